//! `aggregate`: group records and reduce each group.

fn main() -> std::process::ExitCode {
    millstream::cli::enter(millstream::cmd::aggregate::run)
}
