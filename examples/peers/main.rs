//! The clients that `scripts/bench` drives peers with, and its measure of latency. One command a
//! measurement; what it prints is for the script.

mod latency;
mod log;
mod nats;
mod order;
mod pipes;
mod redis;

use std::error::Error;
use std::process::ExitCode;

const USAGE: &str = "usage:
  peers redis-read SOCKET             read the stream s from its beginning; prints how many entries
  peers redis-latency SOCKET COUNT    XADD to s at 1,000/s, XREAD BLOCK; prints percentiles
  peers nats-make PORT                make the stream s, kept in files
  peers nats-publish PORT FILE        publish a file's lines; prints how many were acknowledged
  peers nats-read PORT COUNT          read so many messages of the stream s
  peers nats-latency PORT COUNT       publish to s at 1,000/s, with a consumer; prints percentiles
  peers log-latency DIR COUNT         append to t of log-serve at 1,000/s, and follow it
  peers pipe-latency COUNT WRITER READER
                                      the same from the standard input of one shell command to the
                                      standard output of another
  peers in-order MANY EACH            check that each of MANY producers' records come in order";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("peers: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<String, Box<dyn Error>> {
    Ok(match arguments {
        ["redis-read", socket] => redis::read(socket)?.to_string(),
        ["redis-latency", socket, count] => redis::latency(socket, count.parse()?)?.to_string(),
        ["nats-make", port] => nats::make(port.parse()?)?,
        ["nats-publish", port, file] => nats::publish(port.parse()?, file)?.to_string(),
        ["nats-read", port, count] => nats::read(port.parse()?, count.parse()?)?.to_string(),
        ["nats-latency", port, count] => nats::latency(port.parse()?, count.parse()?)?.to_string(),
        ["log-latency", dir, count] => log::latency(dir, count.parse()?)?.to_string(),
        ["pipe-latency", count, writer, reader] => {
            pipes::latency(count.parse()?, writer, reader)?.to_string()
        }
        ["in-order", many, each] => order::check(many.parse()?, each.parse()?)?,
        _ => return Err(USAGE.into()),
    })
}
