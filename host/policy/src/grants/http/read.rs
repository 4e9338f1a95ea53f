//! How texts and lists are read, so that whatever stands there instead is answered with the right form.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};

/// What an error may repeat of a text: bounded, in quotes, and in ASCII alone, for a letter that
/// looks like another must not look like it in the message about it.
pub(in crate::grants) fn shown(text: &str) -> String {
    const LONGEST: usize = 80;
    let more = if text.chars().nth(LONGEST).is_some() { "..." } else { "" };
    let start: String = text.chars().take(LONGEST).flat_map(char::escape_default).collect();
    format!("\"{start}\"{more}")
}

/// Reads a text and parses it. `expecting` says what should stand there, with an example.
pub(in crate::grants) fn text<'de, D, T>(deserializer: D, expecting: &'static str) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<String, Error = String>,
{
    struct Texts<T>(&'static str, PhantomData<T>);

    impl<T: TryFrom<String, Error = String>> Visitor<'_> for Texts<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            T::try_from(text.to_owned()).map_err(E::custom)
        }
    }

    // Any: a form that only takes texts would hide what was found behind its own error.
    deserializer.deserialize_any(Texts(expecting, PhantomData))
}

/// Reads a list. `expecting` says what should stand there, with an example.
///
/// The list is cut off past `most` entries, which the caller refuses when it counts them.
pub(in crate::grants) fn list<'de, D, T>(
    deserializer: D,
    expecting: &'static str,
    most: usize,
) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Lists<T>(&'static str, usize, PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Lists<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while let Some(entry) = seq.next_element()? {
                list.push(entry);
                if list.len() > self.1 {
                    return Err(A::Error::custom(format!("has more than {} entries; nobody reads that many", self.1)));
                }
            }
            Ok(list)
        }
    }

    deserializer.deserialize_any(Lists(expecting, most, PhantomData))
}
