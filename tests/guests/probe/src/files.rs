//! `wasi:filesystem`, without a language's library between: what a host answers is what is shown.

use serde_json::{json, Value};
use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{Descriptor, DescriptorFlags, DescriptorType, ErrorCode, OpenFlags, PathFlags};

use crate::{lossy, number, text};

/// What did not work, in the interface's words; `no-preopen` when there is no such directory.
struct Failure(&'static str);

impl From<ErrorCode> for Failure {
    fn from(code: ErrorCode) -> Self {
        Self(code.name())
    }
}

type Tried = Result<Value, Failure>;

fn told(tried: Tried) -> Value {
    tried.unwrap_or_else(|Failure(code)| json!({ "error": code }))
}

/// The directory that a path lies in, and the rest of the path as it was written: `/data/../x` is
/// `../x` in `/data`, and `/data//x` is `/x` there.
fn find(path: &str) -> Result<(Descriptor, String), Failure> {
    for (directory, at) in get_directories() {
        match path.strip_prefix(at.as_str()) {
            Some("" | "/") => return Ok((directory, ".".into())),
            Some(rest) if rest.starts_with('/') => return Ok((directory, rest[1..].to_owned())),
            _ => {}
        }
    }
    Err(Failure("no-preopen"))
}

fn open(path: &str, how: OpenFlags, rights: DescriptorFlags) -> Result<Descriptor, Failure> {
    let (directory, rest) = find(path)?;
    Ok(directory.open_at(PathFlags::SYMLINK_FOLLOW, &rest, how, rights)?)
}

/// `{ path, most? }`
pub fn read_file(arguments: &Value) -> Value {
    told(open(text(arguments, "path"), OpenFlags::empty(), DescriptorFlags::READ).and_then(|file| {
        let most = number(arguments, "most", 1 << 20);
        let mut all = Vec::new();
        loop {
            let (piece, end) = file.read(64 * 1024, all.len() as u64)?;
            all.extend(piece);
            if end || all.len() as u64 >= most {
                return Ok(json!({ "text": lossy(&all) }));
            }
        }
    }))
}

/// `{ path, text, append?, offset?, filler? }`
pub fn write_file(arguments: &Value) -> Value {
    let bytes = match arguments["filler"].as_u64() {
        Some(bytes) => vec![b'x'; usize::try_from(bytes).unwrap_or(usize::MAX)],
        None => text(arguments, "text").as_bytes().to_vec(),
    };
    let within = arguments["append"] == true || arguments["offset"].is_u64();
    let how = if within { OpenFlags::CREATE } else { OpenFlags::CREATE | OpenFlags::TRUNCATE };
    let rights = DescriptorFlags::WRITE;
    told(open(text(arguments, "path"), how, rights).and_then(|file| {
        let mut at = match arguments["append"] == true {
            true => file.stat()?.size,
            false => number(arguments, "offset", 0),
        };
        let mut left = bytes.as_slice();
        while !left.is_empty() {
            let written = file.write(&left[..left.len().min(64 * 1024)], at)?;
            left = &left[usize::try_from(written).unwrap_or(left.len())..];
            at += written;
        }
        Ok(json!({ "written": bytes.len() }))
    }))
}

/// `{ path? }`: what is in a directory; without one, the directories there are.
pub fn list_dir(arguments: &Value) -> Value {
    let Some(path) = arguments["path"].as_str() else {
        return json!({ "directories": get_directories().into_iter().map(|(_, at)| at).collect::<Vec<_>>() });
    };
    told(open(path, OpenFlags::DIRECTORY, DescriptorFlags::READ).and_then(|directory| {
        let entries = directory.read_directory()?;
        let mut names = Vec::new();
        while let Some(entry) = entries.read_directory_entry()? {
            names.push(entry.name);
        }
        names.sort();
        Ok(json!({ "names": names }))
    }))
}

/// `{ op, path, to?, count? }`: stat, lstat, mkdir, rmdir, unlink, rename, symlink, link, readlink,
/// open_many. A link is made at `path` and leads to `to`.
pub fn fs(arguments: &Value) -> Value {
    told(one(text(arguments, "op"), text(arguments, "path"), arguments))
}

fn one(op: &str, path: &str, arguments: &Value) -> Tried {
    let (directory, rest) = find(path)?;
    let to = text(arguments, "to");
    match op {
        "stat" | "lstat" => {
            let follow = if op == "stat" { PathFlags::SYMLINK_FOLLOW } else { PathFlags::empty() };
            let found = directory.stat_at(follow, &rest)?;
            let kind = match found.type_ {
                DescriptorType::Directory => "directory",
                DescriptorType::RegularFile => "file",
                DescriptorType::SymbolicLink => "link",
                _ => "other",
            };
            return Ok(json!({ "kind": kind, "size": found.size, "links": found.link_count }));
        }
        "mkdir" => directory.create_directory_at(&rest)?,
        "rmdir" => directory.remove_directory_at(&rest)?,
        "unlink" => directory.unlink_file_at(&rest)?,
        "rename" => {
            let (target, to) = find(to)?;
            directory.rename_at(&rest, &target, &to)?;
        }
        "symlink" => directory.symlink_at(to, &rest)?,
        "link" => {
            let (source, from) = find(to)?;
            source.link_at(PathFlags::empty(), &from, &directory, &rest)?;
        }
        "readlink" => return Ok(json!({ "to": directory.readlink_at(&rest)? })),
        "open_many" => {
            let mut open = Vec::new();
            for _ in 0..number(arguments, "count", 1) {
                match directory.open_at(PathFlags::empty(), &rest, OpenFlags::empty(), DescriptorFlags::READ) {
                    Ok(file) => open.push(file),
                    Err(code) => return Ok(json!({ "opened": open.len(), "error": code.name() })),
                }
            }
            return Ok(json!({ "opened": open.len() }));
        }
        _ => return Err(Failure("no-such-op")),
    }
    Ok(json!({ "done": true }))
}
