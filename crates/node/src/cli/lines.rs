//! Lines: a request a line on standard input, an answer a line on standard output.
//!
//! Answers are flushed at the latest when standard input has no further line ready, so that a
//! caller may send one and wait, or send a million and read.

use std::io::{BufRead, BufReader, BufWriter, Read as _, Write};

use anyhow::{Result, bail};
use clap::Args;

/// Bytes of a line where nothing else is asked for.
const LINE_LEN_MAX: usize = 64 * 1024 * 1024;
const BUFFER_LEN: usize = 1 << 16;

/// What the programs for other languages share.
#[derive(Args)]
pub(super) struct LineOptions {
    /// Longest line in bytes; a longer one is answered with an error of kind `limit`.
    #[arg(long, default_value_t = LINE_LEN_MAX, value_name = "BYTES")]
    max_line: usize,
}

/// Answers every line of standard input until it ends.
pub(super) fn serve(
    options: &LineOptions,
    out: &mut impl Write,
    mut answer: impl FnMut(&[u8]) -> Vec<u8>,
) -> Result<()> {
    let mut input = BufReader::with_capacity(BUFFER_LEN, std::io::stdin().lock());
    let mut output = BufWriter::with_capacity(BUFFER_LEN, out);
    if options.max_line == 0 {
        bail!("--max-line 0 leaves no room for a request");
    }
    let mut line = Vec::new();
    loop {
        match read_line(&mut input, &mut line, options.max_line)? {
            Line::End => break,
            Line::TooLong => output.write_all(TOO_LONG.as_bytes())?,
            Line::Whole if line.trim_ascii().is_empty() => {}
            Line::Whole => {
                output.write_all(&answer(&line))?;
                output.write_all(b"\n")?;
            }
        }
        if !input.buffer().contains(&b'\n') {
            output.flush()?;
        }
    }
    output.flush()?;
    Ok(())
}

const TOO_LONG: &str = "{\"id\":null,\"error\":{\"kind\":\"limit\",\"message\":\"the line is longer than --max-line\"}}\n";

/// What stood next on the input.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    Whole,
    TooLong,
    End,
}

/// Reads a line without its end; of one that is too long the rest is passed over, not kept.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>, len_max: usize) -> Result<Line> {
    line.clear();
    let limit = u64::try_from(len_max).unwrap_or(u64::MAX).saturating_add(1);
    if input.by_ref().take(limit).read_until(b'\n', line)? == 0 {
        return Ok(Line::End);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        return Ok(Line::Whole);
    }
    if line.len() <= len_max {
        return Ok(Line::Whole);
    }
    line.clear();
    line.shrink_to(BUFFER_LEN);
    input.skip_until(b'\n')?;
    Ok(Line::TooLong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_too_long_is_passed_over_and_the_next_one_read() {
        let mut input = &b"1234\n12345\n\n1"[..];
        let mut line = Vec::new();
        let mut next = |line: &mut Vec<u8>| read_line(&mut input, line, 4).unwrap();
        assert_eq!((next(&mut line), line.as_slice()), (Line::Whole, &b"1234"[..]));
        assert_eq!(next(&mut line), Line::TooLong);
        assert_eq!((next(&mut line), line.len()), (Line::Whole, 0));
        assert_eq!((next(&mut line), line.as_slice()), (Line::Whole, &b"1"[..]));
        assert_eq!(next(&mut line), Line::End);
    }
}
