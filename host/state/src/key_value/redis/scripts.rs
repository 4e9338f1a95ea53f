//! What Redis is asked to do: scripts, each of which runs alone on the server.

use redis::Script;

/// The scripts, with the names by which the server knows them.
#[derive(Debug)]
pub(super) struct Scripts {
    pub(super) set: Script,
    pub(super) delete: Script,
    pub(super) increment: Script,
    pub(super) swap: Script,
    pub(super) get: Script,
    pub(super) exists: Script,
    pub(super) list: Script,
    pub(super) usage: Script,
}

// The first line tells the server what a script may be refused for. One that takes memory is refused on a full server
// before it has done anything; one that gives memory back, or reads, is not. All of them keep to the keys they name.
const TAKES: &str = "#!lua";
const GIVES_BACK: &str = "#!lua flags=allow-oom";
const READS: &str = "#!lua flags=no-writes";

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            set: writing(TAKES, include_str!("scripts/set.lua")),
            delete: writing(GIVES_BACK, include_str!("scripts/delete.lua")),
            increment: writing(TAKES, include_str!("scripts/increment.lua")),
            swap: writing(TAKES, include_str!("scripts/swap.lua")),
            get: reading(include_str!("scripts/get.lua")),
            exists: reading(include_str!("scripts/exists.lua")),
            list: reading(include_str!("scripts/list.lua")),
            usage: writing(GIVES_BACK, include_str!("scripts/usage.lua")),
        }
    }
}

fn writing(flags: &str, body: &str) -> Script {
    Script::new(&format!("{flags}\n{}\n{body}", include_str!("scripts/prelude.lua")))
}

fn reading(body: &str) -> Script {
    Script::new(&format!("{READS}\n{}\n{body}", include_str!("scripts/view.lua")))
}
