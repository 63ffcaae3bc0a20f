//! The library for other languages, in a few lines: requests on standard input, answers on
//! standard output.
//!
//! ```sh
//! echo '{"id":1,"op":"confidence","scale":"wep","value":64}' | cargo run -p stix --example lines
//! ```

use std::io::{BufRead, Write};

fn main() -> std::io::Result<()> {
    // A clock that stands still makes answers that can be repeated.
    let clock = || "2031-05-04T10:00:01.000Z".to_owned();
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().split(b'\n') {
        output.write_all(&stix::lines::answer(&line?, &clock))?;
        output.write_all(b"\n")?;
    }
    output.flush()
}
