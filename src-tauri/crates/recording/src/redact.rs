//! Redaction: a recording that can be given away. Shapes and numbers stay; names and texts do not.

use std::collections::HashMap;

use faultline_model::{Deploy, Facts, Frame, Header, Observation, QueryText, SessionGroup};

/// The recording without names and texts: clusters, nodes, databases, roles, applications, clients, services, versions
/// and facts' names become `node-1`, `version-2`, … in the order of their appearance (roles and
/// services share theirs, because a role that is called like a service belongs to it); query texts, titles, actors and
/// addresses are left out. Fingerprints, wait events, signals and every number stay, so that it replays to the same
/// verdicts.
pub fn redact(header: &Header, observations: &[Observation]) -> (Header, Vec<Observation>) {
    let mut names = Names::default();
    let header = Header {
        cluster: names.stand_in("cluster", header.cluster.as_str()).into(),
        title: None,
        ..header.clone()
    };
    let observations = observations
        .iter()
        .map(|observation| match observation {
            Observation::Frame(frame) => Observation::Frame(names.frame(frame)),
            Observation::Deploy { at, deploy } => {
                Observation::Deploy { at: *at, deploy: names.deploy(deploy) }
            }
        })
        .collect();
    (header, observations)
}

/// Stand-ins by kind and name; the same name has the same stand-in throughout.
#[derive(Default)]
struct Names {
    stand_ins: HashMap<(&'static str, String), String>,
    counts: HashMap<&'static str, usize>,
}

impl Names {
    fn stand_in(&mut self, kind: &'static str, name: &str) -> String {
        let count = self.counts.entry(kind).or_default();
        self.stand_ins
            .entry((kind, name.to_owned()))
            .or_insert_with(|| {
                *count += 1;
                format!("{kind}-{count}")
            })
            .clone()
    }

    fn optional(&mut self, kind: &'static str, name: Option<&String>) -> Option<String> {
        name.map(|name| self.stand_in(kind, name))
    }

    fn frame(&mut self, frame: &Frame) -> Frame {
        Frame {
            node: self.stand_in("node", frame.node.as_str()).into(),
            facts: self.facts(&frame.facts),
            texts: frame.texts.iter().map(|text| self.text(text)).collect(),
            sessions: frame
                .sessions
                .as_ref()
                .map(|groups| groups.iter().map(|group| self.session(group)).collect()),
            ..frame.clone()
        }
    }

    /// The text is gone; who ran it, and where, has a stand-in.
    fn text(&mut self, text: &QueryText) -> QueryText {
        QueryText {
            fp: text.fp.clone(),
            text: String::new(),
            database: self.optional("database", text.database.as_ref()),
            user: self.optional("name", text.user.as_ref()),
        }
    }

    fn session(&mut self, group: &SessionGroup) -> SessionGroup {
        SessionGroup {
            user: self.optional("name", group.user.as_ref()),
            app: group.app.as_ref().map(|app| self.application(app)),
            client: self.optional("client", group.client.as_ref()),
            ..group.clone()
        }
    }

    /// `service@version` keeps its form, so that a service's sessions are still told apart.
    fn application(&mut self, app: &str) -> String {
        match app.split_once('@') {
            Some((service, version)) => {
                format!("{}@{}", self.stand_in("name", service), self.stand_in("version", version))
            }
            None => self.stand_in("name", app),
        }
    }

    fn deploy(&mut self, deploy: &Deploy) -> Deploy {
        Deploy {
            id: self.stand_in("deploy", deploy.id.as_str()).into(),
            service: self.stand_in("name", deploy.service.as_str()).into(),
            version: self.optional("version", deploy.version.as_ref()),
            previous: self.optional("version", deploy.previous.as_ref()),
            actor: None,
            url: None,
            cluster: deploy.cluster.as_ref().map(|cluster| self.stand_in("cluster", cluster.as_str()).into()),
            ..deploy.clone()
        }
    }

    /// Which roles and applications belong to a service is kept in stand-ins; of other facts the numbers are kept,
    /// under a stand-in of their name.
    fn facts(&mut self, facts: &Facts) -> Facts {
        let mut redacted = Facts::new();
        for (key, value) in facts {
            let parts: Vec<&str> = key.split(':').collect();
            if let (["service", service, what @ ("roles" | "applications")], Some(list)) =
                (parts.as_slice(), value.as_str())
            {
                let names: Vec<String> = list.split(',').map(|name| self.service_name(what, name)).collect();
                redacted.insert(
                    format!("service:{}:{what}", self.stand_in("name", service)),
                    names.join(",").into(),
                );
            } else if value.is_number() {
                redacted.insert(format!("x:{}", self.stand_in("fact", key)), value.clone());
            }
        }
        redacted
    }

    fn service_name(&mut self, what: &str, name: &str) -> String {
        match (what, name.strip_suffix("@*")) {
            ("applications", Some(service)) => format!("{}@*", self.stand_in("name", service)),
            ("applications", None) => self.application(name),
            _ => self.stand_in("name", name),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::{RecordingReader, RecordingWriter};

    const SECRET: &str = r#"{"faultline_recording":1,"cluster":"acme-shop","interval_s":5,"title":"the acme outage"}
{"t":1,"node":"acme-primary","about":{"role":"primary","engine":"postgres","cores":8}}
{"t":1,"node":"acme-primary","facts":{"setting:acme.key":"acme","table:acme:rows":7,"service:acme-cart:roles":"acme_cart","service:acme-cart:applications":"acme-cart@*"}}
{"t":1,"node":"acme-primary","query":{"fp":"3f","text":"select acme","database":"acme","user":"acme_cart"}}
{"t":2,"node":"acme-primary","queries":[{"fp":"3f","calls":3,"time_ms":8.5}]}
{"t":2,"node":"acme-primary","sessions":[{"fp":"3f","wait":"Lock:transactionid","state":"active","running_ms":8,"user":"acme_cart","app":"acme-cart@acme7","client":"10.9.8.7","count":2}]}
{"t":3,"deploy":{"id":"acme-7","service":"acme-cart","version":"acme7","previous":"acme6","started":2,"actor":"acme bot","url":"https://acme.example"}}
"#;

    #[test]
    fn no_name_and_no_text_is_left_and_every_number_is() {
        let reader = RecordingReader::new(Cursor::new(SECRET)).unwrap();
        let header = reader.header().clone();
        let observations: Vec<_> = reader.map(Result::unwrap).collect();
        let (header, redacted) = redact(&header, &observations);
        let mut writer = RecordingWriter::new(Vec::new(), &header).unwrap();
        redacted.iter().for_each(|observation| writer.write(observation).unwrap());
        let text = String::from_utf8(writer.finish().unwrap()).unwrap();
        assert!(!text.contains("acme") && !text.contains("10.9.8.7"), "{text}");
        insta::assert_snapshot!(text);
    }
}
