//! Proxies: those of the environment, never for this machine itself.

use reqwest::{NoProxy, Proxy};

use crate::error::HttpError;

/// Names that never go through a proxy, whatever the environment says.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// The environment's proxies (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, also in small letters), with its exceptions
/// (`NO_PROXY`) and this machine left out.
pub(crate) fn from_environment() -> Result<Vec<Proxy>, HttpError> {
    let exceptions = match first_of(&["NO_PROXY", "no_proxy"]) {
        Some(list) => format!("{LOOPBACK},{list}"),
        None => LOOPBACK.to_owned(),
    };
    let mut proxies = Vec::new();
    for (names, make) in [
        (["HTTPS_PROXY", "https_proxy"], Proxy::https as fn(String) -> reqwest::Result<Proxy>),
        (["HTTP_PROXY", "http_proxy"], Proxy::http),
        (["ALL_PROXY", "all_proxy"], Proxy::all),
    ] {
        if let Some(address) = first_of(&names) {
            // The address may hold a password, so the message names the variable only.
            let proxy = make(address).map_err(|_| HttpError::Setup {
                detail: format!("{} is not the address of a proxy; correct or unset it", names[0]),
            })?;
            proxies.push(proxy.no_proxy(NoProxy::from_string(&exceptions)));
        }
    }
    Ok(proxies)
}

fn first_of(names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}
