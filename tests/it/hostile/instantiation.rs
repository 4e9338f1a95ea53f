//! What a component takes before any of its tools is called.

use cofferdam_tests::{HostBuilder, forge, guest};
use serde_json::json;

use super::{Plugins, neighbour_answers, with_neighbour};

/// Time enough on a machine that is busy, so that each attack comes up against its own limit.
const PATIENCE: &str = "admission.compile_time = \"5m\"\nadmission.describe_deadline = \"1m\"";

/// A component that takes too much, the limit that stops it, and the step at which that shows.
struct Attack {
    name: &'static str,
    forge: fn(&[u8]) -> Vec<u8>,
    limit: &'static str,
    step: &'static str,
}

const ATTACKS: [Attack; 12] = [
    Attack { name: "many-memories", forge: forge::many_memories, limit: "memory", step: "describe" },
    Attack { name: "multi-memory", forge: forge::multi_memory, limit: "memory", step: "describe" },
    Attack { name: "growing-memories", forge: forge::growing_memories, limit: "memory", step: "describe" },
    Attack { name: "huge-memory", forge: forge::huge_memory, limit: "memory", step: "compile" },
    Attack { name: "twenty-memories", forge: twenty_memories, limit: "memories", step: "compile" },
    Attack { name: "nine-in-one", forge: nine_in_one, limit: "memories", step: "compile" },
    Attack { name: "table-bomb", forge: forge::table_bomb, limit: "table_elements", step: "compile" },
    Attack { name: "growing-table", forge: forge::growing_table, limit: "table_elements", step: "describe" },
    Attack { name: "sixty-tables", forge: sixty_tables, limit: "tables", step: "compile" },
    Attack { name: "forty-in-one", forge: forty_in_one, limit: "tables", step: "compile" },
    Attack { name: "instance-bomb", forge: |c| forge::instance_bomb(c, 900), limit: "instances", step: "compile" },
    Attack { name: "some-instances", forge: |c| forge::instance_bomb(c, 70), limit: "instances", step: "compile" },
];

fn twenty_memories(component: &[u8]) -> Vec<u8> {
    forge::with_extra_core(component, "(module (memory 1))", 20)
}

fn nine_in_one(component: &[u8]) -> Vec<u8> {
    forge::with_extra_core(component, &format!("(module {})", "(memory 1)".repeat(9)), 1)
}

fn forty_in_one(component: &[u8]) -> Vec<u8> {
    forge::with_extra_core(component, &format!("(module {})", "(table 1 funcref)".repeat(40)), 1)
}

fn sixty_tables(component: &[u8]) -> Vec<u8> {
    forge::with_extra_core(component, "(module (table 1 funcref))", 60)
}

#[test]
fn each_limit_keeps_out_its_own_attack() {
    let honest = guest("greeter");
    let host = with_neighbour().policy(PATIENCE);
    let host = ATTACKS.iter().fold(host, |host, a| host.plugin(a.name, &(a.forge)(&honest))).start();
    neighbour_answers(&host, "beside those that are refused");
    let plugins = Plugins::of(&host.path(""));
    assert_eq!(plugins.served, ["neighbour"]);
    for Attack { name, limit, step, .. } in ATTACKS {
        plugins.assert_refused(name, step, &[&format!("`{limit}`")]);
    }
}

#[test]
fn a_policy_with_room_for_them_lets_them_in() {
    let honest = guest("greeter");
    let room = "memory = \"256MiB\", memories = 50, tables = 100, table_elements = 10_000_000, instances = 1000";
    // Room for each call costs address space, which even a large machine does not have for all.
    let host = HostBuilder::new().config("sandbox.instances = 1").policy(PATIENCE);
    // No policy has room for the largest memory there is and another.
    let host = ATTACKS.iter().filter(|a| a.name != "huge-memory").fold(host, |host, Attack { name, forge, .. }| {
        host.plugin(name, &forge(&honest)).policy(&format!("[[plugin]]\nname = \"{name}\"\nlimits = {{ {room} }}"))
    });
    let plugins = Plugins::of(host.files().path());
    assert!(plugins.refused.is_empty(), "{:#?}", plugins.refused);
    assert_eq!(plugins.served.len(), ATTACKS.len() - 1);
}

#[test]
fn a_start_function_is_held_to_what_listing_may_spend() {
    let honest = guest("greeter");
    let start = |code: &str| forge::with_extra_core(&honest, &format!("(module (func $f {code}) (start $f))"), 1);
    let home = with_neighbour()
        .policy(PATIENCE)
        .plugin("endless", &forge::start_loop(&honest))
        .plugin("recursive", &start("call $f"))
        .plugin("trapping", &start("unreachable"))
        .files();
    let plugins = Plugins::of(home.path());
    assert_eq!(plugins.served, ["neighbour"]);
    plugins.assert_refused("endless", "describe", &["`fuel`"]);
    plugins.assert_refused("recursive", "describe", &["`stack`"]);
    plugins.assert_refused("trapping", "describe", &["it trapped", "unreachable"]);

    let patient = HostBuilder::new()
        .plugin("endless", &forge::start_loop(&honest))
        .policy("[admission]\ndescribe_fuel = \"1000G\"\ndescribe_deadline = \"300ms\"");
    Plugins::of(patient.files().path()).assert_refused("endless", "describe", &["`deadline`"]);
}

#[test]
fn each_call_is_held_to_its_limits_when_it_is_instantiated() {
    let honest = guest("greeter");
    let extra = |wat: &str, instances| forge::with_extra_core(&honest, wat, instances);
    let burning = "(module
        (func $f (local $n i32)
            (loop $again
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (br_if $again (i32.lt_u (local.get $n) (i32.const 1000000)))))
        (start $f))";
    // What is small enough to be listed, and too much for a tool that is allowed less.
    let attacks = [
        ("memory", extra("(module (memory 320))", 2), "memory = \"32MiB\""),
        ("memories", extra("(module (memory 1))", 4), "memories = 4"),
        ("tables", extra("(module (table 1 funcref))", 20), "tables = 20"),
        ("table_elements", extra("(module (table 90000 funcref))", 1), "table_elements = 80_000"),
        ("instances", forge::instance_bomb(&honest, 20), "instances = 20"),
        ("fuel", extra(burning, 1), "fuel = \"1M\""),
    ];
    let host = attacks.iter().fold(with_neighbour(), |host, (limit, component, less)| {
        let name = limit.replace('_', "-");
        host.plugin(&name, component)
            .policy(&format!("[[plugin]]\nname = \"{name}\"\ntools.greet.limits = {{ {less} }}"))
    });
    let host = host.start();
    for (limit, _, less) in &attacks {
        let reply = host.rpc().call(&format!("{}_greet", limit.replace('_', "-")), json!({ "name": "Ada" }));
        assert_eq!(reply.failure()["limit"], *limit, "{less}: {}", reply.failure());
        assert!(reply.text().contains(&format!("`{limit}`")), "{less}: {}", reply.text());
        neighbour_answers(&host, limit);
    }
}
