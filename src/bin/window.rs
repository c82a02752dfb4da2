//! `window`: give each record its window of event time.

fn main() -> std::process::ExitCode {
    millstream::cli::enter(millstream::cmd::window::run)
}
