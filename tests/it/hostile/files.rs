//! Files that are no component, or none that is served here.

use std::{fs, os::unix::fs::symlink, process::Command};

use cofferdam_tests::{forge, guest};
use wasm_encoder::{Component, ComponentExportKind, ComponentExportSection};

use super::{Plugins, with_neighbour};

/// A component that exports something of this name, which no validator has seen.
fn exporting(name: &str) -> Vec<u8> {
    let mut component = Component::new();
    let mut exports = ComponentExportSection::new();
    exports.export(name, ComponentExportKind::Func, 0, None);
    component.section(&exports);
    component.finish()
}

/// `component` with one bit of its first core module changed.
fn damaged(component: &[u8]) -> Vec<u8> {
    let mut damaged = component.to_vec();
    let at = component.windows(8).skip(8).position(|bytes| bytes == b"\0asm\x01\0\0\0").unwrap() + 8 + 9;
    damaged[at] ^= 0x40;
    damaged
}

#[test]
fn each_is_refused_where_it_shows() {
    let honest = guest("greeter");
    let memory64 = forge::with_extra_core(&honest, "(module (memory i64 1))", 1);
    let mib = 1 << 20;
    let signed: [(&str, Vec<u8>, &str, &[&str]); 11] = [
        ("empty", Vec::new(), "inspect", &["it is no WebAssembly"]),
        ("four-bytes", b"\0asm".to_vec(), "inspect", &["damaged or cut short"]),
        ("garbage", forge::garbage(), "inspect", &["it is no WebAssembly"]),
        ("text", b"(component)".to_vec(), "inspect", &["it is no WebAssembly"]),
        ("truncated", forge::truncated(&honest), "inspect", &["damaged or cut short", "copy it again"]),
        ("damaged", damaged(&honest), "inspect", &["damaged or cut short"]),
        ("core-module", forge::core_module(), "inspect", &["a core module, not a component", "wasm32-wasip2"]),
        ("foreign", Component::new().finish(), "inspect", &["exports no interface of cofferdam:plugin@0.1"]),
        ("hostile-export", exporting("a\u{1b}[31m\u{202e}b"), "inspect", &[r"a\u{1b}[31m\u{202e}b"]),
        ("memory64", memory64, "compile", &["memory64 must be enabled"]),
        ("too-large", forge::too_large(&honest, mib), "read", &["more than 1MiB", "`admission.file`"]),
    ];
    let host = with_neighbour()
        .policy("admission.file = \"1MiB\"")
        // As large as is allowed.
        .plugin("large", &forge::too_large(&honest, mib - 100))
        // Nothing of it is compiled: that would take minutes.
        .unsigned("bomb", &forge::slow_to_compile(&honest));
    let home = signed.iter().fold(host, |host, (name, bytes, ..)| host.plugin(name, bytes)).files();
    let plugins = Plugins::of(home.path());
    assert_eq!(plugins.served, ["large", "neighbour"]);
    for (name, _, step, says) in &signed {
        plugins.assert_refused(name, step, says);
    }
    plugins.assert_refused("bomb", "verify", &["it is unsigned", "put a signature by test beside it"]);
}

#[test]
fn names_that_are_no_plugins_are_refused_and_shown_escaped() {
    let component = guest("greeter");
    let home = with_neighbour().files();
    let names = [
        "Upper",
        "under_score",
        "sp ace",
        "zero\u{200b}width",
        "\u{202e}tfel",
        "\u{1b}[31mred",
        "neighbour.",
        "пlugin",
        "",
    ];
    for name in names {
        fs::write(home.path().join("plugins").join(format!("{name}.wasm")), &component).unwrap();
    }
    let long = "x".repeat(33);
    fs::write(home.path().join("plugins").join(format!("{long}.wasm")), &component).unwrap();
    let plugins = Plugins::of(home.path());
    assert_eq!(plugins.served, ["neighbour"]);
    // A file with nothing before its ending is hidden, and left alone.
    for name in names.iter().filter(|name| !name.is_empty()).chain([&long.as_str()]) {
        plugins.assert_refused(&name.escape_debug().to_string(), "read", &["is no plugin name", "rename the file"]);
    }
    assert_eq!(plugins.refused.len(), names.len());
    for (name, _) in plugins.refused {
        assert!(!name.contains(['\u{1b}', '\u{200b}', '\u{202e}']), "{name:?}");
    }
}

#[test]
fn what_is_no_file_is_left_alone() {
    let home = with_neighbour().files();
    let path = |name: &str| home.path().join("plugins").join(name);
    fs::create_dir(path("directory.wasm")).unwrap();
    symlink("/dev/zero", path("endless.wasm")).unwrap();
    symlink("circle.wasm", path("circle.wasm")).unwrap();
    symlink("nowhere", path("dangling.wasm")).unwrap();
    assert!(Command::new("mkfifo").arg(path("pipe.wasm")).status().unwrap().success());
    let plugins = Plugins::of(home.path());
    assert_eq!(plugins.served, ["neighbour"]);
    assert!(plugins.refused.is_empty(), "{:?}", plugins.refused);
}
