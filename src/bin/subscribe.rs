//! `subscribe`: see [`millstream::cmd::subscribe`].

fn main() -> std::process::ExitCode {
    millstream::cli::enter(millstream::cmd::subscribe::run)
}
