//! The program that holds all tools.

fn main() -> std::process::ExitCode {
    millstream::cli::enter(&millstream::cmd::all())
}
