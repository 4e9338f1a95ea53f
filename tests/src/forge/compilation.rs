//! Components that attack the compiler of the host.
//!
//! Compilers have algorithms whose cost grows faster than the code. Small files are enough for that,
//! so no limit on the size of a file keeps these out. Both functions below were found by trying; the
//! costs they state are those of wasmtime 48 on one core of a server.

use super::append::with_extra_module;
use wasm_encoder::{BlockType, CodeSection, Function, FunctionSection, Module, TypeSection, ValType};

/// Takes minutes, and little memory, in a file that is only 140 KB longer.
///
/// 10,000 loops in each other, every one changing a variable: 2,000 take 7 to 15 seconds, and twice the
/// loops about five times as long.
pub fn slow_to_compile(component: &[u8]) -> Vec<u8> {
    const LOOPS: u32 = 10_000;
    const VARIABLES: u32 = 10;

    let mut function = Function::new([(VARIABLES, ValType::I32)]);
    let mut code = function.instructions();
    let variables = (0..LOOPS).map(|depth| 1 + depth % VARIABLES);
    for variable in variables.clone() {
        code.loop_(BlockType::Empty).local_get(variable).i32_const(1).i32_add().local_set(variable);
    }
    for variable in variables {
        code.local_get(variable).br_if(0).end();
    }
    code.end();
    with_extra_module(component, &module(&function), 1)
}

/// Takes gigabytes of memory within seconds, in a file that is only 1 MB longer.
///
/// 40,000 variables that must all be kept to the end, through as many branches. Not to be compiled
/// without a limit on memory: it takes what there is.
pub fn heavy_to_compile(component: &[u8]) -> Vec<u8> {
    const VARIABLES: u32 = 40_000;

    let mut function = Function::new([(VARIABLES, ValType::I32)]);
    let mut code = function.instructions();
    for variable in 1..=VARIABLES {
        code.local_get(0).i32_const(variable as i32 % 64).i32_add().local_set(variable);
        code.block(BlockType::Empty).local_get(0).br_if(0).end();
    }
    for variable in 1..=VARIABLES {
        code.local_get(variable).local_get(0).i32_mul().local_set(0);
    }
    code.end();
    with_extra_module(component, &module(&function), 1)
}

/// A module with one function, which takes one number and which nobody calls.
fn module(function: &Function) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32], []);
    let mut functions = FunctionSection::new();
    functions.function(0);
    let mut code = CodeSection::new();
    code.function(function);

    let mut module = Module::new();
    module.section(&types).section(&functions).section(&code);
    module.finish()
}
