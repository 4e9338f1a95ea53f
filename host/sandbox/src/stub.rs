//! Functions that nothing stands behind: not offered by this host, or not granted to this plugin.
//!
//! A toolchain imports more than its programs use: a Python component that adds two numbers asks
//! for sockets. Such a component runs here as long as it does not use them. A function whose result
//! can say "not permitted" in the words of its own interface does; every other one ends the guest.
//! The engine has a function for stubs too; it takes a compatible version of an interface (0.2.6
//! where 0.2.12 is linked) for an unknown one and puts a trap before it, so it cannot be used.

use std::collections::BTreeSet;

use cofferdam_capabilities::{Absent, HasCapabilities, Offer};
use cofferdam_policy::Capability;
use wasmtime::component::{
    Component, Linker, LinkerInstance, ResourceType, Type, Val,
    types::{ComponentFunc, ComponentItem},
};

/// Puts a stub for everything that `component` imports and that nothing of `granted` stands behind.
pub(crate) fn stub_absent<T: HasCapabilities>(
    linker: &mut Linker<T>,
    component: &Component,
    granted: &BTreeSet<Capability>,
) -> wasmtime::Result<()> {
    let (engine, of_component) = (component.engine(), component.component_type());
    let there = |name: &str| match Offer::of(name) {
        Offer::Always | Offer::Filled(_) | Offer::Given(_) => true,
        Offer::Granted(capability) => granted.contains(&capability),
        Offer::Absent => false,
    };
    // Interfaces use each other's resources: a socket's stream is one of `wasi:io/streams`. Such a
    // one is defined where it is linked, and giving it another type here would contradict that.
    let mut linked_resources = Vec::new();
    for (_, import) in of_component.imports(engine).filter(|(name, _)| there(name)) {
        if let ComponentItem::ComponentInstance(instance) = import.ty {
            let resource = |item| if let ComponentItem::Resource(kind) = item { Some(kind) } else { None };
            linked_resources.extend(instance.exports(engine).filter_map(|(_, export)| resource(export.ty)));
        }
    }
    for (name, import) in of_component.imports(engine).filter(|(name, _)| !there(name)) {
        match import.ty {
            ComponentItem::ComponentInstance(instance) => {
                let mut linked = linker.instance(name)?;
                for (item, export) in instance.exports(engine) {
                    let known = matches!(&export.ty, ComponentItem::Resource(kind) if linked_resources.contains(kind));
                    if !known {
                        stub(&mut linked, item, &export.ty, name)?;
                    }
                }
            }
            other => stub(&mut linker.root(), name, &other, name)?,
        }
    }
    Ok(())
}

fn stub<T: HasCapabilities>(
    linker: &mut LinkerInstance<'_, T>,
    item: &str,
    kind: &ComponentItem,
    import: &str,
) -> wasmtime::Result<()> {
    match kind {
        ComponentItem::ComponentFunc(function) => {
            let absent = Absent::of(import, item);
            let refusal = refusal(function);
            let (capability, target) = (Offer::of(import).capability(), format!("{import}#{item}"));
            linker.func_new(item, move |mut store, _, _, results| {
                if let Some(capability) = capability {
                    store.data_mut().capabilities().refused(capability, "call", &target, "not granted");
                }
                match (&refusal, results) {
                    (Some(refusal), [result]) => {
                        *result = refusal.clone();
                        Ok(())
                    }
                    _ => Err(absent.clone().into()),
                }
            })
        }
        ComponentItem::Resource(_) => linker.resource(item, ResourceType::host::<()>(), |_, _| Ok(())),
        // Types carry nothing; modules and components are left to fail at linking.
        _ => Ok(()),
    }
}

/// What an interface says in its own words when something is not permitted, if its function has a way
/// to say so.
fn refusal(function: &ComponentFunc) -> Option<Val> {
    /// The cases that mean it, in WASI and in our own contract.
    const CASES: [&str; 3] = ["not-permitted", "access-denied", "HTTP-request-denied"];
    let mut results = function.results();
    let (Some(Type::Result(result)), None) = (results.next(), results.next()) else { return None };
    let error = match result.err()? {
        Type::Enum(cases) => {
            let case = cases.names().find(|name| CASES.contains(name))?;
            Val::Enum(case.to_owned())
        }
        Type::Variant(cases) => {
            let case = cases.cases().find(|case| case.ty.is_none() && CASES.contains(&case.name))?;
            Val::Variant(case.name.to_owned(), None)
        }
        _ => return None,
    };
    Some(Val::Result(Err(Some(Box::new(error)))))
}
