//! The host's side of `wasi:filesystem`, driven as a guest would.

mod access;
mod escape;
mod naming;
mod quota;

use std::path::Path;

use cofferdam_secrets::Masker;
use serde_json::{Value, json};
use wasmtime::component::Resource;
use wasmtime_wasi::{
    filesystem::Descriptor,
    p2::{
        FsResult,
        bindings::filesystem::{
            preopens::Host as _,
            types::{DescriptorFlags, ErrorCode, HostDescriptor, OpenFlags, PathFlags},
        },
    },
};

use super::*;
use crate::effects::{Effect, Verdict};

type Handle = Resource<Descriptor>;

/// One call with its granted directories open.
struct Call {
    own: Filesystem,
    table: ResourceTable,
    roots: Vec<Handle>,
}

impl Call {
    fn open(grant: Value, disk: &Disk) -> Self {
        Self::try_open(grant, disk).unwrap()
    }

    fn try_open(grant: Value, disk: &Disk) -> Result<Self, Unopened> {
        let grant: FilesystemGrant = serde_json::from_value(grant).unwrap();
        let own = open(Some(&grant), disk, &Recorder::new(Masker::nothing()))?;
        let mut call = Self { own, table: ResourceTable::new(), roots: Vec::new() };
        call.roots = call.view().get_directories().unwrap().into_iter().map(|(root, _)| root).collect();
        Ok(call)
    }

    fn view(&mut self) -> View<'_> {
        View { own: &mut self.own, table: &mut self.table }
    }

    fn root(&self) -> Handle {
        borrow(&self.roots[0])
    }

    async fn open_at(&mut self, path: &str, open: OpenFlags, wants: DescriptorFlags) -> Result<Handle, ErrorCode> {
        let root = self.root();
        code(self.view().open_at(root, PathFlags::SYMLINK_FOLLOW, path.into(), open, wants).await)
    }

    /// Opens what is there, to read.
    async fn look(&mut self, path: &str) -> Result<Handle, ErrorCode> {
        self.open_at(path, OpenFlags::empty(), DescriptorFlags::READ).await
    }

    /// Opens to write, and makes it when it is not there.
    async fn create(&mut self, path: &str) -> Result<Handle, ErrorCode> {
        self.open_at(path, OpenFlags::CREATE, DescriptorFlags::READ | DescriptorFlags::WRITE).await
    }

    async fn read(&mut self, path: &str) -> Result<Vec<u8>, ErrorCode> {
        let file = self.look(path).await?;
        let bytes = code(self.view().read(borrow(&file), 1 << 16, 0).await).map(|(bytes, _)| bytes);
        self.drop(file);
        bytes
    }

    async fn write(&mut self, file: &Handle, at: u64, bytes: &[u8]) -> Result<u64, ErrorCode> {
        code(self.view().write(borrow(file), bytes.to_vec(), at).await)
    }

    /// Makes a file of so many bytes.
    async fn put(&mut self, path: &str, length: usize) -> Result<(), ErrorCode> {
        let file = self.create(path).await?;
        let written = self.write(&file, 0, &vec![b'x'; length]).await.map(|_| ());
        self.drop(file);
        written
    }

    async fn unlink(&mut self, path: &str) -> Result<(), ErrorCode> {
        let root = self.root();
        code(self.view().unlink_file_at(root, path.into()).await)
    }

    async fn mkdir(&mut self, path: &str) -> Result<(), ErrorCode> {
        let root = self.root();
        code(self.view().create_directory_at(root, path.into()).await)
    }

    async fn symlink(&mut self, to: &str, path: &str) -> Result<(), ErrorCode> {
        let root = self.root();
        code(self.view().symlink_at(root, to.into(), path.into()).await)
    }

    async fn link(&mut self, from: &str, to: &str) -> Result<(), ErrorCode> {
        let root = self.root();
        let other = self.root();
        code(self.view().link_at(root, PathFlags::empty(), from.into(), other, to.into()).await)
    }

    async fn rename(&mut self, from: &str, to: &str) -> Result<(), ErrorCode> {
        let root = self.root();
        let other = self.root();
        code(self.view().rename_at(root, from.into(), other, to.into()).await)
    }

    fn drop(&mut self, handle: Handle) {
        HostDescriptor::drop(&mut self.view(), handle).unwrap();
    }

    fn finish(self) -> Vec<Effect> {
        let Self { own, table, .. } = self;
        let recorder = own.recorder.clone();
        drop((table, own));
        recorder.finish().list
    }

    /// The reasons of what was refused.
    fn refusals(self) -> Vec<String> {
        let refused = |effect: Effect| match effect.verdict {
            Verdict::Refused(why) => Some(why),
            _ => None,
        };
        self.finish().into_iter().filter_map(refused).collect()
    }
}

fn borrow(handle: &Handle) -> Handle {
    Resource::new_borrow(handle.rep())
}

fn code<T>(result: FsResult<T>) -> Result<T, ErrorCode> {
    result.map_err(|error| error.downcast().unwrap())
}

fn reads(at: &Path) -> Value {
    json!([{ "path": at, "at": "/d", "access": "read" }])
}

fn writes(at: &Path) -> Value {
    json!([{ "path": at, "at": "/d", "access": "read-write" }])
}

/// With these bounds.
fn bounded(at: &Path, bytes: u64, files: u32) -> Value {
    json!([{ "path": at, "at": "/d", "access": "read-write", "bytes": format!("{bytes}B"), "files": files }])
}
