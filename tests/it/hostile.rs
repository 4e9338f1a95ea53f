use cofferdam_tests::{HostBuilder, forge, guest};
#[test]
fn probe() {
    let g = guest("greeter");
    let files: Vec<(&str, Vec<u8>)> = vec![
        ("many-memories", forge::many_memories(&g)),
        ("multi-memory", forge::multi_memory(&g)),
        ("growing-memories", forge::growing_memories(&g)),
        ("huge-memory", forge::huge_memory(&g)),
        ("table-bomb", forge::table_bomb(&g)),
        ("growing-table", forge::growing_table(&g)),
        ("instance-bomb", forge::instance_bomb(&g, 500)),
        ("instance-bomb-few", forge::instance_bomb(&g, 70)),
        ("start-loop", forge::start_loop(&g)),
        ("memories", forge::with_extra_core(&g, "(module (memory 1))", 20)),
        ("tables", forge::with_extra_core(&g, "(module (table 1 funcref))", 60)),
        ("recursion", forge::with_extra_core(&g, "(module (func $f call $f) (start $f))", 1)),
        ("trap", forge::with_extra_core(&g, "(module (func $f unreachable) (start $f))", 1)),
        ("garbage", forge::garbage()),
        ("truncated", forge::truncated(&g)),
        ("core-module", forge::core_module()),
        ("empty", vec![]),
        ("memory64", forge::with_extra_core(&g, "(module (memory i64 1))", 1)),
    ];
    let mut b = HostBuilder::new().plugin("good", &g);
    for (n, f) in &files { b = b.plugin(n, f); }
    let home = b.files();
    let r = cofferdam_tests::run_cli(home.path(), &["plugins", "--json"]);
    println!("{}", r.err);
    let v: serde_json::Value = serde_json::from_str(&r.out).unwrap();
    for s in v["served"].as_array().unwrap() { println!("SERVED {}", s["name"]); }
    for s in v["refused"].as_array().unwrap() { println!("{} {} {} | {}", s["plugin"], s["step"], s["found"], s["mend"]); }
    println!("{}", r.err);
}
