//! `log-serve`: the daemon that owns a log's directory.

fn main() -> std::process::ExitCode {
    millstream::cli::enter(millstream::cmd::log_serve::run)
}
