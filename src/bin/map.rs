//! Replaces each record by the results of a jq expression.

fn main() -> std::process::ExitCode {
    millstream::cli::enter(millstream::cmd::map::run)
}
