//! The inputs in `fuzz/seeds`, through the code of the fuzz targets: what was found once stays found,
//! and the targets keep fitting the library. `scripts/fuzz` looks for new ones.

#[path = "../fuzz/src/lib.rs"]
#[allow(unreachable_pub)]
mod targets;

use std::fs;
use std::path::Path;

/// A seed is of the version that wrote it: what this one saves must hold, too.
#[test]
fn states_hold_as_they_are_saved() {
    for kind in 0..targets::state::KINDS {
        let sample = targets::state::sample(kind);
        assert!(targets::state::loads(&sample), "kind {kind}");
        targets::state::state(&sample);
    }
}

#[test]
fn every_seed_holds() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    for (name, target) in targets::TARGETS {
        let mut inputs: Vec<_> =
            fs::read_dir(seeds.join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
        inputs.sort_unstable();
        assert!(!inputs.is_empty(), "{name} has no seeds");
        for path in inputs {
            println!("{}", path.display());
            target(&fs::read(path).unwrap());
        }
    }
}
