//! Colours of series: twelve that people with a colour vision deficiency can tell apart, and greys for what is not a
//! query. A query keeps its colour from one drawing to the next.

use std::collections::BTreeMap;

use crate::panel::{Color, Theme};

/// Number of colours for queries and nodes.
pub const SLOTS: usize = 12;

/// After Tol's muted scheme and Okabe and Ito's, moved apart until any two differ to every eye of the test below.
const LIGHT: [Color; SLOTS] = [
    Color::hex(0x0082da),
    Color::hex(0xd24a00),
    Color::hex(0x4cc9b0),
    Color::hex(0xa0256f),
    Color::hex(0xeda51b),
    Color::hex(0x5ac1f8),
    Color::hex(0x3a34ae),
    Color::hex(0xed667b),
    Color::hex(0x217243),
    Color::hex(0xbc69ae),
    Color::hex(0xaca852),
    Color::hex(0x612800),
];

/// The same hues, lightened for dark ground.
const DARK: [Color; SLOTS] = [
    Color::hex(0x5aa0fb),
    Color::hex(0xdc8416),
    Color::hex(0x32c9a6),
    Color::hex(0xa44573),
    Color::hex(0xffc82b),
    Color::hex(0xa2cbff),
    Color::hex(0x5a6cf8),
    Color::hex(0xd87c7a),
    Color::hex(0x10733a),
    Color::hex(0x9e68b1),
    Color::hex(0xe4e172),
    Color::hex(0xce9957),
];

/// The colour of a slot (counted modulo [`SLOTS`]).
pub fn slot_color(slot: usize, theme: Theme) -> Color {
    match theme {
        Theme::Light => LIGHT[slot % SLOTS],
        Theme::Dark => DARK[slot % SLOTS],
    }
}

/// The grey of "other".
pub const fn other(theme: Theme) -> Color {
    match theme {
        Theme::Light => Color::hex(0xc3c8d1),
        Theme::Dark => Color::hex(0x565c69),
    }
}

/// The ink of what has not finished yet: near black on light ground, near white on dark.
pub const fn unfinished(theme: Theme) -> Color {
    match theme {
        Theme::Light => Color::hex(0x2b303b),
        Theme::Dark => Color::hex(0xd9dde6),
    }
}

/// A slot for every key: the same key has the same slot in every chart, unless another key of this chart has it too.
/// Then the key that is later in the alphabet takes the next free slot; the order of the keys does not matter. With
/// more keys than slots, slots are shared evenly.
pub fn assign<'a>(keys: impl IntoIterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut out: BTreeMap<&str, usize> = keys.into_iter().map(|key| (key, 0)).collect();
    let mut taken = [0_usize; SLOTS];
    for (count, (key, slot)) in out.iter_mut().enumerate() {
        let home = (hash(key) % SLOTS as u64) as usize;
        let round = count / SLOTS;
        *slot =
            (0..SLOTS).map(|step| (home + step) % SLOTS).find(|slot| taken[*slot] <= round).unwrap_or(home);
        taken[*slot] += 1;
    }
    out
}

/// FNV-1a with a final mix: the same on every machine and in every version.
fn hash(key: &str) -> u64 {
    let fnv = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    (fnv ^ (fnv >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Least contrast with the ground, as WCAG counts it. Areas and lines of 1.6 px carry less than text must.
    const LEAST_CONTRAST: f64 = 1.95;
    /// Least distance (CIE 1976) of any two colours, for whatever eye.
    const LEAST_DISTANCE: f64 = 18.0;

    type Linear = [f64; 3];

    fn linear(color: Color) -> Linear {
        [color.r, color.g, color.b].map(|byte| {
            let part = f64::from(byte) / 255.0;
            if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        })
    }

    fn luminance(rgb: Linear) -> f64 {
        0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]
    }

    fn through(matrix: [[f64; 3]; 3], rgb: Linear) -> Linear {
        matrix.map(|row| row.iter().zip(rgb).map(|(a, b)| a * b).sum::<f64>().clamp(0.0, 1.0))
    }

    fn lab(rgb: Linear) -> [f64; 3] {
        let xyz =
            through([[0.4339, 0.3762, 0.1899], [0.2126, 0.7152, 0.0722], [0.0177, 0.1095, 0.8728]], rgb)
                .map(|part| if part > 0.008_856 { part.cbrt() } else { 7.787 * part + 16.0 / 116.0 });
        [116.0 * xyz[1] - 16.0, 500.0 * (xyz[0] - xyz[1]), 200.0 * (xyz[1] - xyz[2])]
    }

    /// Full sight, protanopia and deuteranopia (Machado, Oliveira and Fernandes 2009, severity 1).
    const EYES: [(&str, [[f64; 3]; 3]); 3] = [
        ("full sight", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
        ("protanopia", [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]),
        ("deuteranopia", [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]),
    ];

    #[test]
    fn colours_can_be_told_apart_and_seen() {
        for (theme, ground) in [(Theme::Light, Color::hex(0xffffff)), (Theme::Dark, Color::hex(0x14161b))] {
            let mut colors: Vec<Color> = (0..SLOTS).map(|slot| slot_color(slot, theme)).collect();
            for color in &colors {
                let (a, b) = (luminance(linear(*color)), luminance(linear(ground)));
                let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
                assert!(contrast >= LEAST_CONTRAST, "{theme:?} {} has contrast {contrast:.2}", color.css());
            }
            colors.push(unfinished(theme));
            for (eye, matrix) in EYES {
                for (index, a) in colors.iter().enumerate() {
                    for b in &colors[index + 1..] {
                        let (la, lb) = (lab(through(matrix, linear(*a))), lab(through(matrix, linear(*b))));
                        let distance = la.iter().zip(lb).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt();
                        let pair = format!("{} and {}", a.css(), b.css());
                        assert!(
                            distance >= LEAST_DISTANCE,
                            "{theme:?}, {eye}: {pair} are {distance:.1} apart"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn slots_are_stable_and_distinct() {
        let keys: Vec<String> = (0..30).map(|index| format!("3f2a{index:04}")).collect();
        let some: Vec<&str> = keys.iter().take(SLOTS).map(String::as_str).collect();
        let forwards = assign(some.iter().copied());
        assert_eq!(forwards, assign(some.iter().rev().copied()));
        let mut slots: Vec<usize> = forwards.values().copied().collect();
        slots.sort_unstable();
        assert_eq!(slots, (0..SLOTS).collect::<Vec<_>>());
        let all = assign(keys.iter().map(String::as_str));
        for slot in 0..SLOTS {
            assert!((2..=3).contains(&all.values().filter(|one| **one == slot).count()), "slot {slot}");
        }
    }
}
