//! Splits a stream of bytes into lines without keeping more than one of them.
//!
//! Not here: what a line says. Invariant: at most [`LONGEST`] bytes are held, however long a line is.

/// Longest line in bytes: a URL of 8 KiB with its variants fits several times; what is longer is hostile.
const LONGEST: usize = 64 * 1024;

/// A line without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Text(Vec<u8>),
    /// Longer than 64 KiB; its bytes are gone.
    TooLong,
}

#[derive(Default)]
pub(super) struct Splitter {
    held: Vec<u8>,
    is_too_long: bool,
}

impl Splitter {
    /// The lines that end within this chunk.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut rest = chunk;
        while let Some(at) = memchr(rest) {
            self.hold(&rest[..at]);
            lines.push(self.take());
            rest = &rest[at + 1..];
        }
        self.hold(rest);
        lines
    }

    /// The last line, if the stream does not end with a line end.
    pub(super) fn finish(mut self) -> Option<Line> {
        let empty = self.held.is_empty() && !self.is_too_long;
        if empty { None } else { Some(self.take()) }
    }

    fn hold(&mut self, part: &[u8]) {
        if self.is_too_long || self.held.len() + part.len() > LONGEST {
            self.is_too_long = true;
            self.held.clear();
        } else {
            self.held.extend_from_slice(part);
        }
    }

    fn take(&mut self) -> Line {
        let text = std::mem::take(&mut self.held);
        if std::mem::take(&mut self.is_too_long) { Line::TooLong } else { Line::Text(text) }
    }
}

fn memchr(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| *byte == b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_survive_any_cut() {
        let text = b"one\n\ntwo\r\nthree";
        for size in 1..=text.len() {
            let mut splitter = Splitter::default();
            let mut lines: Vec<Line> = text.chunks(size).flat_map(|chunk| splitter.push(chunk)).collect();
            lines.extend(splitter.finish());
            let expected = ["one", "", "two\r", "three"].map(|line| Line::Text(line.into()));
            assert_eq!(lines, expected, "cut every {size} bytes");
        }
    }

    #[test]
    fn an_endless_line_is_dropped_and_the_next_one_read() {
        let mut splitter = Splitter::default();
        for _ in 0..1_000 {
            assert!(splitter.push(&[b'x'; 1_000]).is_empty());
            assert!(splitter.held.len() <= LONGEST);
        }
        assert_eq!(splitter.push(b"\nnext\n"), [Line::TooLong, Line::Text(b"next".to_vec())]);
        assert_eq!(splitter.finish(), None);
    }
}
