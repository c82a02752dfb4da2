//! Keeps the records for which a jq expression is true.

fn main() -> std::process::ExitCode {
    millstream::cli::enter(millstream::cmd::filter::run)
}
