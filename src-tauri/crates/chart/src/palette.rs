//! Colours of series: twelve that people with a colour vision deficiency can tell apart, and greys for what is not a
//! query. A query keeps its colour from one drawing to the next.

use std::collections::BTreeMap;

use crate::panel::{Color, Theme};

/// Number of colours for queries and nodes.
pub const SLOTS: usize = 12;

/// After Tol's muted scheme and Okabe and Ito's, darkened where white ground asks for it.
const LIGHT: [Color; SLOTS] = [
    Color::hex(0x0072b2),
    Color::hex(0xd55e00),
    Color::hex(0x2fa58c),
    Color::hex(0x882255),
    Color::hex(0xd9a400),
    Color::hex(0x56b4e9),
    Color::hex(0x332288),
    Color::hex(0xcc6677),
    Color::hex(0x117733),
    Color::hex(0xaa4499),
    Color::hex(0x8a8a1f),
    Color::hex(0x7a4a21),
];

/// The same hues, lightened for dark ground.
const DARK: [Color; SLOTS] = [
    Color::hex(0x3d9be0),
    Color::hex(0xf0803c),
    Color::hex(0x44c2a5),
    Color::hex(0xc2517f),
    Color::hex(0xf2c14e),
    Color::hex(0x9ad7f5),
    Color::hex(0x7c74e8),
    Color::hex(0xf0a0aa),
    Color::hex(0x3f9a52),
    Color::hex(0xd077c8),
    Color::hex(0xb5b548),
    Color::hex(0xb07f55),
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
