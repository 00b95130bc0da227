//! What a byte may be part of. Bytes of characters beyond ASCII are letters, as both servers take them.

const START: u8 = 1;
const DIGIT: u8 = 2;
const DOLLAR: u8 = 4;
const OPERATOR: u8 = 8;
const CAPITAL: u8 = 16;

const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let character = byte as u8;
        classes[byte] = match character {
            b'a'..=b'z' | b'_' | 0x80.. => START,
            b'A'..=b'Z' => START | CAPITAL,
            b'0'..=b'9' => DIGIT,
            b'$' => DOLLAR,
            b'+' | b'-' | b'*' | b'/' | b'<' | b'>' | b'=' | b'~' | b'!' | b'@' | b'#' | b'%' | b'^'
            | b'&' | b'|' | b'`' | b'?' => OPERATOR,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

/// Whether a word may begin with the byte.
pub(crate) fn starts_word(byte: u8) -> bool {
    CLASSES[usize::from(byte)] & START != 0
}

/// Whether the byte may be within a word.
pub(crate) fn in_word(byte: u8) -> bool {
    CLASSES[usize::from(byte)] & (START | DIGIT | DOLLAR) != 0
}

/// Whether PostgreSQL's operators may have the byte.
pub(crate) fn in_operator(byte: u8) -> bool {
    CLASSES[usize::from(byte)] & OPERATOR != 0
}

/// Length of the beginning of `text` that could be one word, and whether it has a digit.
pub(crate) fn word_length(text: &[u8]) -> (usize, bool) {
    let mut classes = 0;
    let mut length = 0;
    while let Some(class) = text.get(length).map(|byte| CLASSES[usize::from(*byte)])
        && class & (START | DIGIT | DOLLAR) != 0
    {
        classes |= class;
        length += 1;
    }
    (length, classes & DIGIT != 0)
}

/// Length of the beginning of `text` that `is_part` holds for.
pub(crate) fn run(text: &[u8], is_part: impl Fn(u8) -> bool) -> usize {
    text.iter().position(|byte| !is_part(*byte)).unwrap_or(text.len())
}
