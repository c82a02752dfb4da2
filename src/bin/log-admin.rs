//! `log-admin`: see [`millstream::cmd::log_admin`].

fn main() -> std::process::ExitCode {
    millstream::cli::enter(millstream::cmd::log_admin::run)
}
