//! Writing a name and a version into a component, before it is signed.

use thiserror::Error;
use wasm_encoder::{ComponentNameSection, ComponentSection, CustomSection, Section};

use crate::inspect::VERSION_SECTION;

/// A file that no name can be written into.
#[derive(Debug, Error)]
pub enum StampError {
    #[error("it is no component: {0}")]
    NoComponent(String),
    #[error("it embeds the {what} {found:?} already")]
    Other { what: &'static str, found: String },
}

/// The component with this name and version embedded, where readers of the component model's
/// metadata look for them. What it embeds already is not replaced.
///
/// # Errors
/// When the bytes are no component, or embed another name or version.
pub fn stamp(component: &[u8], name: Option<&str>, version: Option<&str>) -> Result<Vec<u8>, StampError> {
    let embedded = crate::inspect::embedded(component).map_err(StampError::NoComponent)?;
    let mut stamped = component.to_vec();
    if let Some(name) = name {
        match embedded.0 {
            Some(found) if found != name => return Err(StampError::Other { what: "name", found }),
            Some(_) => {}
            None => {
                let mut names = ComponentNameSection::new();
                names.component(name);
                stamped.push(ComponentSection::id(&names));
                wasm_encoder::Encode::encode(&names, &mut stamped);
            }
        }
    }
    if let Some(version) = version {
        match embedded.1 {
            Some(found) if found != version => return Err(StampError::Other { what: "version", found }),
            Some(_) => {}
            None => {
                let section = CustomSection { name: VERSION_SECTION.into(), data: version.as_bytes().into() };
                stamped.push(Section::id(&section));
                wasm_encoder::Encode::encode(&section, &mut stamped);
            }
        }
    }
    Ok(stamped)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An empty component.
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    #[test]
    fn what_is_stamped_is_read() {
        let stamped = stamp(EMPTY, Some("acme"), Some("1.2.3")).unwrap();
        assert_eq!(crate::inspect::embedded(&stamped).unwrap(), (Some("acme".into()), Some("1.2.3".into())));
        assert_eq!(stamp(&stamped, Some("acme"), Some("1.2.3")).unwrap(), stamped, "twice is once");
        assert!(matches!(stamp(&stamped, Some("other"), None), Err(StampError::Other { what: "name", .. })));
        assert!(matches!(stamp(&stamped, None, Some("2.0.0")), Err(StampError::Other { what: "version", .. })));
        assert!(matches!(stamp(b"no", None, None), Err(StampError::NoComponent(_))));
    }
}
