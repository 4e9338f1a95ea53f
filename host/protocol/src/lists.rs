//! What clients list, made once for each snapshot and cut into pages.

use std::{collections::BTreeMap, sync::Arc};

use arc_swap::ArcSwapOption;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use cofferdam_catalog::Catalog;
use rmcp::model::{ErrorData, PaginatedRequestParams, Prompt, Resource, ResourceTemplate, Tool};

use crate::convert;

/// The listings of one snapshot, in order of name.
#[derive(Debug)]
pub(crate) struct Lists {
    version: u64,
    pub(crate) tools: BTreeMap<String, Tool>,
    pub(crate) prompts: BTreeMap<String, Prompt>,
    pub(crate) resources: BTreeMap<String, Resource>,
    pub(crate) templates: BTreeMap<String, ResourceTemplate>,
}

impl Lists {
    fn of(catalog: &Catalog) -> Self {
        let tools = catalog.tools.iter().map(|(id, t)| (id.to_string(), convert::tool(&t.definition, &t.plugin)));
        let prompts = catalog.prompts.iter().map(|(id, p)| (id.to_string(), convert::prompt(&p.definition)));
        let resources = catalog.resources.iter().map(|(uri, r)| (uri.clone(), convert::resource(&r.definition)));
        let templates =
            catalog.templates.iter().map(|t| (t.definition.uri_template.clone(), convert::template(&t.definition)));
        Self {
            version: catalog.version,
            tools: tools.collect(),
            prompts: prompts.collect(),
            resources: resources.collect(),
            templates: templates.collect(),
        }
    }
}

/// The listings of the newest snapshot that was asked for.
#[derive(Debug, Default)]
pub(crate) struct CurrentLists(ArcSwapOption<Lists>);

impl CurrentLists {
    pub(crate) fn of(&self, catalog: &Catalog) -> Arc<Lists> {
        if let Some(lists) = self.0.load_full().filter(|l| l.version == catalog.version) {
            return lists;
        }
        let lists = Arc::new(Lists::of(catalog));
        self.0.store(Some(lists.clone()));
        lists
    }
}

/// One page of `all`, and where the next begins.
///
/// A cursor is the last name of its page. A catalog that changes between two pages then neither
/// repeats nor skips what stayed.
pub(crate) fn page<T: Clone>(
    all: &BTreeMap<String, T>,
    request: Option<&PaginatedRequestParams>,
    size: usize,
) -> Result<(Vec<T>, Option<String>), ErrorData> {
    let wrong = || ErrorData::invalid_params("no such cursor: list again without one", None);
    let after = match request.and_then(|r| r.cursor.as_ref()) {
        None => None,
        Some(cursor) => {
            let bytes = URL_SAFE_NO_PAD.decode(cursor.as_bytes()).map_err(|_| wrong())?;
            Some(String::from_utf8(bytes).map_err(|_| wrong())?)
        }
    };
    let rest: Box<dyn Iterator<Item = (&String, &T)>> = match &after {
        None => Box::new(all.iter()),
        Some(after) => {
            let from = (std::ops::Bound::Excluded(after.clone()), std::ops::Bound::Unbounded);
            Box::new(all.range(from))
        }
    };
    let mut rest = rest.peekable();
    let (mut items, mut last) = (Vec::new(), None);
    while items.len() < size
        && let Some((name, item)) = rest.next()
    {
        items.push(item.clone());
        last = Some(name);
    }
    let next = last.filter(|_| rest.peek().is_some()).map(|name| URL_SAFE_NO_PAD.encode(name));
    Ok((items, next))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(cursor: Option<String>) -> PaginatedRequestParams {
        let mut params = PaginatedRequestParams::default();
        params.cursor = cursor;
        params
    }

    #[test]
    fn pages_cover_everything_once_and_in_order() {
        let all: BTreeMap<String, u32> = (0..25).map(|n| (format!("{n:02}"), n)).collect();
        let (mut seen, mut next, mut pages) = (Vec::new(), None, 0);
        loop {
            let (items, after) = page(&all, Some(&cursor(next)), 10).unwrap();
            seen.extend(items);
            pages += 1;
            next = after;
            if next.is_none() {
                break;
            }
        }
        assert_eq!((seen, pages), ((0..25).collect(), 3));
    }

    #[test]
    fn a_full_last_page_has_no_next() {
        let all: BTreeMap<String, u32> = (0..10).map(|n| (n.to_string(), n)).collect();
        assert_eq!(page(&all, None, 10).unwrap().1, None);
        assert_eq!(page(&BTreeMap::<String, u32>::new(), None, 10).unwrap(), (vec![], None));
    }

    #[test]
    fn a_cursor_outlives_what_it_names_and_garbage_is_refused() {
        let mut all: BTreeMap<String, u32> = (0..4).map(|n| (n.to_string(), n)).collect();
        let (_, next) = page(&all, None, 2).unwrap();
        all.remove("1");
        assert_eq!(page(&all, Some(&cursor(next)), 2).unwrap().0, [2, 3]);
        for wrong in ["!!", "_w"] {
            assert!(page(&all, Some(&cursor(Some(wrong.into()))), 2).is_err(), "{wrong}");
        }
    }
}
