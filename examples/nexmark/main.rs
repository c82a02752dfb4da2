//! Bids of the NEXMark benchmark as NDJSON, the same ones every time.

use std::error::Error;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use nexmark::EventGenerator;
use nexmark::config::NexmarkConfig;
use nexmark::event::Event;

const USAGE: &str = "usage:
  nexmark COUNT [RATE [DISORDER]]     write COUNT bids; RATE events a second of event time, bids and
                                      others (10,000), each within groups of DISORDER out of order (1)";

/// Half a minute before a day ends, so that also a few bids are of two days.
const BEGIN_MS: u64 = 1_436_918_370_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let wrote = match arguments[..] {
        [count] => write_bids(count, "10000", "1"),
        [count, rate] => write_bids(count, rate, "1"),
        [count, rate, disorder] => write_bids(count, rate, disorder),
        _ => Err(USAGE.into()),
    };
    match wrote {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nexmark: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write_bids(count: &str, rate: &str, disorder: &str) -> Result<(), Box<dyn Error>> {
    let rate: usize = rate.parse()?;
    let disorder: usize = disorder.parse()?;
    let config = NexmarkConfig {
        base_time: BEGIN_MS,
        first_rate: rate.max(1),
        next_rate: rate.max(1),
        out_of_order_group_size: disorder.max(1),
        ..NexmarkConfig::default()
    };
    let bids = EventGenerator::new(config).filter_map(|event| match event {
        Event::Bid(bid) => Some(bid),
        Event::Person(_) | Event::Auction(_) => None,
    });
    let mut out = BufWriter::new(io::stdout().lock());
    for bid in bids.take(count.parse()?) {
        serde_json::to_writer(&mut out, &bid)?;
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}
