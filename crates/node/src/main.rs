//! The `detente` program.

use std::process::ExitCode;

/// The system's allocator keeps what one thread let go of from the others, and a node has some thirty
/// of them (decision 0027).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    node::cli::main()
}
