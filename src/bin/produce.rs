//! `produce`: see [`millstream::cmd::produce`].

fn main() -> std::process::ExitCode {
    millstream::cli::enter(millstream::cmd::produce::run)
}
