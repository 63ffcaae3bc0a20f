//! The library for other languages, in a few lines: requests on standard input, answers on
//! standard output.
//!
//! ```sh
//! echo '{"id":1,"op":"confidence","scale":"wep","value":64}' | cargo run -p stix --example lines
//! ```

use std::io::{BufRead, BufReader, BufWriter, Write};

fn main() -> std::io::Result<()> {
    // A clock that stands still makes answers that can be repeated.
    let clock = || "2031-05-04T10:00:01.000Z".to_owned();
    let mut input = BufReader::new(std::io::stdin().lock());
    let mut output = BufWriter::new(std::io::stdout().lock());
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        if !line.trim_ascii().is_empty() {
            output.write_all(&stix::lines::answer(&line, &clock))?;
            output.write_all(b"\n")?;
        }
        line.clear();
        // Nobody waits for an answer that lies in the buffer: it goes out when no further request
        // is at hand.
        if !input.buffer().contains(&b'\n') {
            output.flush()?;
        }
    }
    output.flush()
}
