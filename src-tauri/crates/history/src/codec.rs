//! Bytes: numbers, strings and words in the bodies that the store keeps. Every 64-bit float comes back bit for bit.
//! Not in here: what a frame or a rollup consists of.

use crate::limits::{MAX_BODY_BYTES, MAX_WORD_BYTES};
use crate::words::{Interner, Known, NewWords};

/// A body that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a body cannot be read: {0}")]
pub(crate) struct BadBody(pub(crate) &'static str);

/// First byte of a body: as it is.
const PLAIN: u8 = 0;
/// First byte of a body: zstd.
const ZSTD: u8 = 1;
/// Bodies from this size on are compressed, bytes.
const COMPRESS_FROM_BYTES: usize = 160;
/// zstd level: the quick one; a live node writes a body a second.
const ZSTD_LEVEL: i32 = 1;
/// Whole numbers below this are written as such; all of them are exact in a 64-bit float.
const WHOLE_LIMIT: f64 = 4_503_599_627_370_496.0;

/// Where words are looked up when a body is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dictionary<'a> {
    pub(crate) known: &'a Known,
    pub(crate) new: &'a NewWords,
}

impl Dictionary<'_> {
    fn id(&self, text: &str) -> Option<u64> {
        self.known.id(text).or_else(|| self.new.get(text).copied())
    }
}

/// Writes a body.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    pub(crate) fn whole(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    pub(crate) fn number(&mut self, value: f64) {
        let whole = value as u64;
        if value < WHOLE_LIMIT && (whole as f64).to_bits() == value.to_bits() {
            self.whole(whole << 1);
        } else {
            self.byte(1);
            self.bytes.extend_from_slice(&value.to_le_bytes());
        }
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.whole(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    /// A word by its number in the dictionary, or as it is: 0 and the string.
    pub(crate) fn word(&mut self, text: &str, dictionary: Dictionary<'_>) {
        match dictionary.id(text) {
            Some(id) => self.whole(id),
            None => self.inline_word(text),
        }
    }

    pub(crate) fn inline_word(&mut self, text: &str) {
        self.byte(0);
        self.bytes(text.as_bytes());
    }

    /// The body, compressed where that pays.
    pub(crate) fn finish(self) -> Result<Vec<u8>, BadBody> {
        let mut body = Vec::with_capacity(self.bytes.len() + 1);
        if self.bytes.len() >= COMPRESS_FROM_BYTES {
            let packed =
                zstd::bulk::compress(&self.bytes, ZSTD_LEVEL).map_err(|_| BadBody("cannot be compressed"))?;
            if packed.len() + 8 < self.bytes.len() {
                body.push(ZSTD);
                body.extend_from_slice(&(self.bytes.len() as u64).to_le_bytes());
                body.extend_from_slice(&packed);
                return Ok(body);
            }
        }
        body.push(PLAIN);
        body.extend_from_slice(&self.bytes);
        Ok(body)
    }
}

/// Unpacks bodies; keeps its buffers, since a range is many bodies.
pub(crate) struct Unpacker {
    zstd: zstd::bulk::Decompressor<'static>,
    buffer: Vec<u8>,
}

impl Unpacker {
    pub(crate) fn new() -> Result<Self, BadBody> {
        let zstd = zstd::bulk::Decompressor::new().map_err(|_| BadBody("zstd cannot be set up"))?;
        Ok(Self { zstd, buffer: Vec::new() })
    }

    /// Begins to read a body.
    pub(crate) fn open<'a>(&'a mut self, body: &'a [u8]) -> Result<Reader<'a>, BadBody> {
        match body.split_first() {
            Some((&PLAIN, rest)) => Ok(Reader { rest }),
            Some((&ZSTD, rest)) => {
                let (length, packed) = rest.split_first_chunk::<8>().ok_or(BadBody("too short"))?;
                let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| BadBody("too long"))?;
                if length > MAX_BODY_BYTES {
                    return Err(BadBody("too long"));
                }
                if self.buffer.len() < length {
                    self.buffer.resize(length, 0);
                }
                let read = self
                    .zstd
                    .decompress_to_buffer(packed, &mut self.buffer[..length])
                    .map_err(|_| BadBody("zstd"))?;
                Ok(Reader { rest: &self.buffer[..read] })
            }
            _ => Err(BadBody("unknown kind")),
        }
    }
}

/// A word in a body.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Word<'a> {
    /// By its number in the dictionary.
    Known(u64),
    /// As it is.
    Inline(&'a str),
}

impl<'a> Word<'a> {
    /// The word as text.
    pub(crate) fn text(self, known: &'a Known) -> Result<&'a str, BadBody> {
        match self {
            Self::Known(id) => known.text(id).map(AsRef::as_ref).ok_or(BadBody("a word is missing")),
            Self::Inline(text) => Ok(text),
        }
    }

    /// The word as a number within an answer.
    pub(crate) fn key(self, known: &Known, interner: &mut Interner) -> u64 {
        match self {
            Self::Known(id) => id,
            // Long words are never in the dictionary.
            Self::Inline(text) if text.len() > MAX_WORD_BYTES => interner.intern(text),
            Self::Inline(text) => known.id(text).unwrap_or_else(|| interner.intern(text)),
        }
    }
}

/// Reads a body.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn byte(&mut self) -> Result<u8, BadBody> {
        let (first, rest) = self.rest.split_first().ok_or(BadBody("too short"))?;
        self.rest = rest;
        Ok(*first)
    }

    pub(crate) fn whole(&mut self) -> Result<u64, BadBody> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(BadBody("a number is too long"))
    }

    /// A number of things that follow, each at least one byte long.
    pub(crate) fn count(&mut self) -> Result<usize, BadBody> {
        let count = usize::try_from(self.whole()?).map_err(|_| BadBody("too many"))?;
        if count > self.rest.len() {
            return Err(BadBody("too many"));
        }
        Ok(count)
    }

    pub(crate) fn number(&mut self) -> Result<f64, BadBody> {
        let first = self.whole()?;
        if first & 1 == 0 {
            return Ok((first >> 1) as f64);
        }
        let (raw, rest) = self.rest.split_first_chunk::<8>().ok_or(BadBody("too short"))?;
        self.rest = rest;
        Ok(f64::from_le_bytes(*raw))
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], BadBody> {
        let length = self.count()?;
        let (bytes, rest) = self.rest.split_at(length);
        self.rest = rest;
        Ok(bytes)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, BadBody> {
        std::str::from_utf8(self.bytes()?).map_err(|_| BadBody("not UTF-8"))
    }

    pub(crate) fn word(&mut self) -> Result<Word<'a>, BadBody> {
        match self.whole()? {
            0 => Ok(Word::Inline(self.text()?)),
            id => Ok(Word::Known(id)),
        }
    }
}
