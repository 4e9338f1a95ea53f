//! The granted directories, errors, and the lists of directories.

use wasmtime::component::Resource;
use wasmtime_wasi::{
    filesystem::Descriptor,
    p2::{
        FsError, FsResult, ReaddirIterator,
        bindings::filesystem::{
            preopens,
            types::{self, DirectoryEntry, ErrorCode, HostDirectoryEntryStream},
        },
    },
};

use super::{View, node::Node, why::Why};

impl preopens::Host for View<'_> {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Resource<Descriptor>, String)>> {
        let mut given = Vec::new();
        for root in &self.own.roots {
            let descriptor = self.table.push(root.descriptor())?;
            let node = Node { root: root.clone(), path: root.at.clone(), open: None };
            self.own.nodes.insert(descriptor.rep(), node);
            given.push((descriptor, root.at.clone()));
        }
        Ok(given)
    }
}

impl types::Host for View<'_> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        error.downcast()
    }

    fn filesystem_error_code(&mut self, error: Resource<wasmtime::Error>) -> wasmtime::Result<Option<ErrorCode>> {
        if let Some(why) = self.table.get(&error)?.downcast_ref::<Why>() {
            return Ok(Some(why.code()));
        }
        self.wasi().filesystem_error_code(error)
    }
}

impl HostDirectoryEntryStream for View<'_> {
    async fn read_directory_entry(&mut self, stream: Resource<ReaddirIterator>) -> FsResult<Option<DirectoryEntry>> {
        self.wasi().read_directory_entry(stream).await
    }

    fn drop(&mut self, stream: Resource<ReaddirIterator>) -> wasmtime::Result<()> {
        self.own.listings.remove(&stream.rep());
        HostDirectoryEntryStream::drop(&mut self.wasi(), stream)
    }
}
