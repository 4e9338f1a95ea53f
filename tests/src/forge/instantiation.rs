//! Components that attack a host that instantiates them.
//!
//! Where an attack takes its share in pieces, each piece is one that a host may allow, and only the
//! sum is too much: a limit that is kept for each memory or instance would let them pass. Those
//! that grow trap when the host refuses, so an instantiation that succeeds means that it did not.

use super::append::with_extra_core;

/// Four more instances, each with a memory of 20 MiB: 80 MiB together.
pub fn many_memories(component: &[u8]) -> Vec<u8> {
    with_extra_core(component, "(module (memory 320))", 4)
}

/// One more instance with four memories of 20 MiB: 80 MiB together. Needs the proposal multi-memory,
/// without which the component is invalid.
pub fn multi_memory(component: &[u8]) -> Vec<u8> {
    with_extra_core(component, "(module (memory 320) (memory 320) (memory 320) (memory 320))", 1)
}

/// Four more instances, each with a memory that grows from nothing to 20 MiB, a mebibyte at a time.
pub fn growing_memories(component: &[u8]) -> Vec<u8> {
    with_extra_core(
        component,
        "(module
            (memory 0)
            (func $grow
                (loop $again
                    (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1))
                        (then unreachable))
                    (br_if $again (i32.lt_u (memory.size) (i32.const 320)))))
            (start $grow))",
        4,
    )
}

/// One more instance, with a memory that begins with 4 GiB.
pub fn huge_memory(component: &[u8]) -> Vec<u8> {
    with_extra_core(component, "(module (memory 65536))", 1)
}

/// One more instance, with a table that begins with 10,000,000 elements: the most that a valid
/// module can ask for.
pub fn table_bomb(component: &[u8]) -> Vec<u8> {
    with_extra_core(component, "(module (table 10000000 funcref))", 1)
}

/// One more instance, with a table that grows to 10,000,000 elements, 20,000 at a time.
pub fn growing_table(component: &[u8]) -> Vec<u8> {
    with_extra_core(
        component,
        "(module
            (table $table 0 funcref)
            (func $grow
                (loop $again
                    (if (i32.eq (table.grow $table (ref.null func) (i32.const 20000)) (i32.const -1))
                        (then unreachable))
                    (br_if $again (i32.lt_u (table.size $table) (i32.const 10000000)))))
            (start $grow))",
        1,
    )
}

/// `instances` more instances, each of next to nothing. A component with more than 1,000, those it has
/// already included, is invalid.
pub fn instance_bomb(component: &[u8], instances: usize) -> Vec<u8> {
    with_extra_core(component, "(module)", instances)
}

/// One more instance, which never comes to be: its start function does not return.
pub fn start_loop(component: &[u8]) -> Vec<u8> {
    with_extra_core(component, "(module (func $spin (loop $again (br $again))) (start $spin))", 1)
}
