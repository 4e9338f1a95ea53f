//! Functions that are not offered, as functions that end the guest.
//!
//! A toolchain imports more than its programs use: a Python component that adds two numbers asks
//! for sockets. Such a component runs here as long as it does not use them. The engine has a
//! function for this too; it takes a compatible version of an interface (0.2.6 where 0.2.12 is
//! linked) for an unknown one and puts a trap before it, so it cannot be used.

use cofferdam_capabilities::{Absent, Offer};
use wasmtime::component::{Component, Linker, LinkerInstance, ResourceType, types::ComponentItem};

/// Puts a stub for everything that `component` imports and the host does not offer.
pub(crate) fn stub_absent<T: 'static>(linker: &mut Linker<T>, component: &Component) -> wasmtime::Result<()> {
    let engine = component.engine();
    for (name, import) in component.component_type().imports(engine) {
        if Offer::of(name) != Offer::Absent {
            continue;
        }
        match import.ty {
            ComponentItem::ComponentInstance(instance) => {
                let mut linked = linker.instance(name)?;
                for (item, export) in instance.exports(engine) {
                    stub(&mut linked, item, &export.ty, &format!("{name}#{item}"))?;
                }
            }
            other => stub(&mut linker.root(), name, &other, name)?,
        }
    }
    Ok(())
}

fn stub<T: 'static>(
    linker: &mut LinkerInstance<'_, T>,
    name: &str,
    item: &ComponentItem,
    full_name: &str,
) -> wasmtime::Result<()> {
    match item {
        ComponentItem::ComponentFunc(_) => {
            let absent = Absent(full_name.to_owned());
            linker.func_new(name, move |_, _, _, _| Err(absent.clone().into()))
        }
        ComponentItem::Resource(_) => linker.resource(name, ResourceType::host::<()>(), |_, _| Ok(())),
        // Types carry nothing; modules and components are left to fail at linking.
        _ => Ok(()),
    }
}
