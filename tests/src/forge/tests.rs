use super::*;
use wasmparser::{Parser, Payload, Validator};

fn guest(name: &str) -> Vec<u8> {
    let path = crate::guests_dir().join(name).with_extension("wasm");
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; build the guests first", path.display()))
}

#[track_caller]
fn assert_valid(component: &[u8]) {
    assert!(Parser::is_component(component));
    if let Err(error) = Validator::new().validate_all(component) {
        panic!("an invalid component: {error}");
    }
}

/// Modules and instantiations at the top level of a component.
fn cores(component: &[u8]) -> (usize, usize) {
    let (mut depth, mut modules, mut instances) = (0, 0, 0);
    for payload in Parser::new(0).parse_all(component) {
        match payload.unwrap() {
            Payload::ModuleSection { .. } => {
                modules += usize::from(depth == 0);
                depth += 1;
            }
            Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::InstanceSection(section) if depth == 0 => instances += section.count() as usize,
            _ => {}
        }
    }
    (modules, instances)
}

#[test]
fn appended_modules_leave_a_valid_component() {
    type Attack = (&'static str, fn(&[u8]) -> Vec<u8>, usize);
    let attacks: [Attack; 11] = [
        ("many_memories", many_memories, 4),
        ("multi_memory", multi_memory, 1),
        ("growing_memories", growing_memories, 4),
        ("huge_memory", huge_memory, 1),
        ("table_bomb", table_bomb, 1),
        ("growing_table", growing_table, 1),
        ("instance_bomb", |component| instance_bomb(component, 900), 900),
        ("start_loop", start_loop, 1),
        ("slow_to_compile", slow_to_compile, 1),
        ("heavy_to_compile", heavy_to_compile, 1),
        ("nothing", |component| with_extra_core(component, "(module)", 0), 0),
    ];
    let honest = guest("greeter");
    let (modules, instances) = cores(&honest);
    for (name, attack, added) in attacks {
        let forged = attack(&honest);
        println!("{name}: {} bytes longer", forged.len() - honest.len());
        assert!(forged.starts_with(&honest), "{name} must only append");
        assert_valid(&forged);
        assert_eq!(cores(&forged), (modules + 1, instances + added), "{name}");
    }
}

#[test]
fn attacks_can_be_combined() {
    assert_valid(&start_loop(&many_memories(&patch_greeting(&guest("greeter"), "Moin"))));
}

#[test]
fn compile_bombs_are_small_files() {
    let honest = guest("greeter");
    for forged in [slow_to_compile(&honest), heavy_to_compile(&honest)] {
        assert!(forged.len() - honest.len() < 2 << 20);
    }
}

#[test]
fn a_patch_changes_nothing_but_the_slot() {
    let honest = guest("greeter");
    let patched = patch_greeting(&honest, "Moin");
    assert_valid(&patched);
    assert_eq!(patched.len(), honest.len());
    assert_eq!(patch_greeting(&patched, "Hello"), honest);

    let longest = "[".repeat(65_524);
    let patched = patch_definitions(&guest("liar"), &longest);
    assert_valid(&patched);
    assert!(patched.windows(longest.len()).any(|bytes| bytes == longest.as_bytes()));
}

#[test]
#[should_panic(expected = "do not fit")]
fn a_patch_that_is_too_long_is_refused() {
    patch_greeting(&guest("greeter"), &"x".repeat(24));
}

#[test]
#[should_panic(expected = "no slot")]
fn another_guest_is_not_patched() {
    patch_definitions(&guest("greeter"), "[]");
}

#[test]
fn broken_files_are_broken_in_the_way_they_say() {
    let honest = guest("greeter");
    assert!(Parser::is_component(&truncated(&honest)));
    assert!(Validator::new().validate_all(&truncated(&honest)).is_err());

    assert_eq!(garbage(), garbage());
    assert!(!garbage().starts_with(b"\0asm"));
    assert!(Validator::new().validate_all(&garbage()).is_err());

    assert!(Parser::is_core_wasm(&core_module()));
    assert!(Validator::new().validate_all(&core_module()).is_ok());
}

#[test]
fn padding_reaches_the_size_and_stays_valid() {
    let honest = guest("greeter");
    let padded = too_large(&honest, 10 << 20);
    assert_valid(&padded);
    assert!((10 << 20..(10 << 20) + 64).contains(&padded.len()));
    assert_valid(&too_large(&honest, 0));
}
