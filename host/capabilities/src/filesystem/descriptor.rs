//! What a guest does with a descriptor.

use std::sync::Arc;

use bytes::Bytes;
use cofferdam_policy::Capability;
use wasmtime::component::Resource;
use wasmtime_wasi::{
    filesystem::{Descriptor, WasiFilesystemCtxView},
    p2::{
        DynInputStream, DynOutputStream, FsError, FsResult, ReaddirIterator,
        bindings::filesystem::types::{
            Advice, DescriptorFlags, DescriptorStat, DescriptorType, ErrorCode, Filesize, HostDescriptor,
            MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
        },
    },
};

use super::{
    View,
    base::{Base, judged, judged_path, times},
    change::{self, At},
    disk::blocking,
    node::{Listing, Node, Open},
    opening::{self, How},
    place,
    streams::{Input, Output, Target},
    why::conclude,
};
use crate::effects::Pending;

impl View<'_> {
    pub(super) fn wasi(&mut self) -> WasiFilesystemCtxView<'_> {
        WasiFilesystemCtxView { ctx: &mut self.own.wasi, table: self.table }
    }

    fn begin(&self, operation: &'static str, target: impl AsRef<str>) -> Pending {
        self.own.recorder.begin(Capability::Filesystem, operation, target)
    }

    fn node(&self, descriptor: &Resource<Descriptor>) -> Result<Node, FsError> {
        // The table first: it traps when there is no such descriptor.
        self.table.get(descriptor)?;
        let node = self.own.nodes.get(&descriptor.rep()).cloned();
        node.ok_or_else(|| FsError::trap(wasmtime::Error::msg("a descriptor of nowhere")))
    }

    fn base(&self, descriptor: &Resource<Descriptor>) -> Result<Base, FsError> {
        match self.table.get(descriptor)? {
            Descriptor::Dir(dir) => Ok(Base { dir: dir.dir.clone(), node: self.node(descriptor)? }),
            Descriptor::File(_) => Err(ErrorCode::NotDirectory.into()),
        }
    }

    fn target(&self, descriptor: &Resource<Descriptor>) -> Result<Target, FsError> {
        match self.table.get(descriptor)? {
            Descriptor::File(file) => Ok(Target {
                file: file.file.clone(),
                node: self.node(descriptor)?,
                recorder: self.own.recorder.clone(),
            }),
            Descriptor::Dir(_) => Err(ErrorCode::BadDescriptor.into()),
        }
    }

    fn output(&mut self, descriptor: &Resource<Descriptor>, at: At) -> FsResult<Resource<DynOutputStream>> {
        let target = self.target(descriptor)?;
        if let Err(why) = target.node.root.writable() {
            return conclude(self.begin("write", &target.node.path), Err(why));
        }
        let stream: DynOutputStream = Box::new(Output::new(target, at));
        Ok(self.table.push(stream)?)
    }
}

impl HostDescriptor for View<'_> {
    // === of what is open ===

    async fn read(&mut self, own: Resource<Descriptor>, length: Filesize, at: Filesize) -> FsResult<(Vec<u8>, bool)> {
        let node = self.node(&own)?;
        let (bytes, end) = self.wasi().read(own, length, at).await?;
        node.received(bytes.len() as u64);
        Ok((bytes, end))
    }

    async fn write(&mut self, own: Resource<Descriptor>, bytes: Vec<u8>, at: Filesize) -> FsResult<Filesize> {
        let target = self.target(&own)?;
        let length = bytes.len() as u64;
        match target.write(At::Position(at), Bytes::from(bytes)).await {
            Ok(()) => Ok(length),
            Err(why) => Err(why.code().into()),
        }
    }

    fn read_via_stream(&mut self, own: Resource<Descriptor>, at: Filesize) -> FsResult<Resource<DynInputStream>> {
        let node = self.node(&own)?;
        let stream = self.wasi().read_via_stream(own, at)?;
        let inner = self.table.delete(stream)?;
        let stream: DynInputStream = Box::new(Input { inner, node });
        Ok(self.table.push(stream)?)
    }

    fn write_via_stream(&mut self, own: Resource<Descriptor>, at: Filesize) -> FsResult<Resource<DynOutputStream>> {
        self.output(&own, At::Position(at))
    }

    fn append_via_stream(&mut self, own: Resource<Descriptor>) -> FsResult<Resource<DynOutputStream>> {
        self.output(&own, At::End)
    }

    async fn set_size(&mut self, own: Resource<Descriptor>, length: Filesize) -> FsResult<()> {
        let target = self.target(&own)?;
        let effect = self.begin("resize", &target.node.path);
        let result = match target.node.root.account().await {
            Ok(mut account) => {
                let file = target.file.clone();
                blocking(move || change::resize(&file, length, &mut account)).await
            }
            Err(why) => Err(why),
        };
        conclude(effect, result)
    }

    async fn set_times(
        &mut self,
        own: Resource<Descriptor>,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> FsResult<()> {
        let node = self.node(&own)?;
        let effect = self.begin("set-times", &node.path);
        if let Err(why) = node.root.writable() {
            return conclude(effect, Err(why));
        }
        let result = judged(self.wasi().set_times(own, accessed, modified).await)?;
        conclude(effect, result)
    }

    async fn advise(
        &mut self,
        own: Resource<Descriptor>,
        at: Filesize,
        length: Filesize,
        advice: Advice,
    ) -> FsResult<()> {
        self.wasi().advise(own, at, length, advice).await
    }

    async fn sync_data(&mut self, own: Resource<Descriptor>) -> FsResult<()> {
        self.wasi().sync_data(own).await
    }

    async fn sync(&mut self, own: Resource<Descriptor>) -> FsResult<()> {
        self.wasi().sync(own).await
    }

    async fn get_flags(&mut self, own: Resource<Descriptor>) -> FsResult<DescriptorFlags> {
        self.wasi().get_flags(own).await
    }

    async fn get_type(&mut self, own: Resource<Descriptor>) -> FsResult<DescriptorType> {
        self.wasi().get_type(own).await
    }

    async fn stat(&mut self, own: Resource<Descriptor>) -> FsResult<DescriptorStat> {
        self.wasi().stat(own).await
    }

    async fn is_same_object(
        &mut self,
        own: Resource<Descriptor>,
        other: Resource<Descriptor>,
    ) -> wasmtime::Result<bool> {
        self.wasi().is_same_object(own, other).await
    }

    async fn metadata_hash(&mut self, own: Resource<Descriptor>) -> FsResult<MetadataHashValue> {
        self.wasi().metadata_hash(own).await
    }

    fn drop(&mut self, own: Resource<Descriptor>) -> wasmtime::Result<()> {
        self.own.nodes.remove(&own.rep());
        HostDescriptor::drop(&mut self.wasi(), own)
    }

    // === of what is below a directory ===

    async fn open_at(
        &mut self,
        own: Resource<Descriptor>,
        follow: PathFlags,
        path: String,
        open: OpenFlags,
        wants: DescriptorFlags,
    ) -> FsResult<Resource<Descriptor>> {
        let base = self.base(&own)?;
        let shown = base.node.below(&path);
        let effect = self.begin("open", &shown);
        let opened = async {
            let how = How::of(follow, open, wants)?;
            if how.writes() {
                base.root().writable()?;
            }
            let slot = base.root().slot()?;
            let mut account = if how.changes() { Some(base.root().account().await?) } else { None };
            let (file, meta) = base.look(move |dir| opening::open(dir, &path, how, account.as_mut())).await?;
            let inode = meta.is_file().then(|| base.root().volume().opened(&meta));
            Ok((how.descriptor(file, &meta, base.root().perms()), slot, inode))
        };
        match opened.await {
            Err(why) => conclude(effect, Err(why)),
            Ok((descriptor, slot, inode)) => {
                let descriptor = self.table.push(descriptor)?;
                effect.settled();
                let open = Some(Arc::new(Open { effect, _slot: slot, _inode: inode }));
                let node = Node { root: base.root().clone(), path: shown, open };
                self.own.nodes.insert(descriptor.rep(), node);
                Ok(descriptor)
            }
        }
    }

    async fn read_directory(&mut self, own: Resource<Descriptor>) -> FsResult<Resource<ReaddirIterator>> {
        let base = self.base(&own)?;
        let effect = self.begin("list", &base.node.path);
        let all = self.own.listed.clone();
        let listing = async {
            let slot = base.root().slot()?;
            // wasmtime-wasi takes the whole list into memory; so it is counted before.
            let most = Listing::left(&all) + 1;
            let entries = base.look(move |dir| Ok(dir.entries()?.take(most).count())).await?;
            Listing::new(slot, entries, &all)
        };
        let listing = match listing.await {
            Ok(listing) => listing,
            Err(why) => return conclude(effect, Err(why)),
        };
        let stream = conclude(effect, judged(self.wasi().read_directory(own).await)?)?;
        self.own.listings.insert(stream.rep(), listing);
        Ok(stream)
    }

    async fn stat_at(
        &mut self,
        own: Resource<Descriptor>,
        follow: PathFlags,
        path: String,
    ) -> FsResult<DescriptorStat> {
        let effect = self.begin("stat", self.base(&own)?.node.below(&path));
        if let Err(why) = place::check(&path) {
            return conclude(effect, Err(why));
        }
        let result = judged_path(self.wasi().stat_at(own, follow, path).await)?;
        conclude(effect, result)
    }

    async fn metadata_hash_at(
        &mut self,
        own: Resource<Descriptor>,
        follow: PathFlags,
        path: String,
    ) -> FsResult<MetadataHashValue> {
        let effect = self.begin("stat", self.base(&own)?.node.below(&path));
        if let Err(why) = place::check(&path) {
            return conclude(effect, Err(why));
        }
        let result = judged_path(self.wasi().metadata_hash_at(own, follow, path).await)?;
        conclude(effect, result)
    }

    async fn readlink_at(&mut self, own: Resource<Descriptor>, path: String) -> FsResult<String> {
        let effect = self.begin("readlink", self.base(&own)?.node.below(&path));
        if let Err(why) = place::check(&path) {
            return conclude(effect, Err(why));
        }
        let result = judged_path(self.wasi().readlink_at(own, path).await)?;
        conclude(effect, result)
    }

    async fn set_times_at(
        &mut self,
        own: Resource<Descriptor>,
        follow: PathFlags,
        path: String,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> FsResult<()> {
        let base = self.base(&own)?;
        let effect = self.begin("set-times", base.node.below(&path));
        let may = place::check(&path).and_then(|()| base.root().writable());
        if let Err(why) = may {
            return conclude(effect, Err(why));
        }
        let result = if follow.contains(PathFlags::SYMLINK_FOLLOW) {
            match times(accessed, modified) {
                Ok(times) => base.look(move |dir| change::touch(dir, &path, times)).await,
                Err(code) => Err(code.into()),
            }
        } else {
            let looked = path.clone();
            // What the system does not permit and what leads out are told apart by looking.
            match base.look(move |dir| Ok(dir.symlink_metadata(looked)?)).await {
                Ok(_) => judged(self.wasi().set_times_at(own, follow, path, accessed, modified).await)?,
                Err(why) => Err(why),
            }
        };
        conclude(effect, result)
    }

    async fn create_directory_at(&mut self, own: Resource<Descriptor>, path: String) -> FsResult<()> {
        let base = self.base(&own)?;
        let effect = self.begin("create-directory", base.node.below(&path));
        conclude(effect, base.change(move |dir, account| change::make_directory(dir, &path, account)).await)
    }

    async fn remove_directory_at(&mut self, own: Resource<Descriptor>, path: String) -> FsResult<()> {
        let base = self.base(&own)?;
        let effect = self.begin("remove-directory", base.node.below(&path));
        conclude(effect, base.change(move |dir, account| change::remove_directory(dir, &path, account)).await)
    }

    async fn unlink_file_at(&mut self, own: Resource<Descriptor>, path: String) -> FsResult<()> {
        let base = self.base(&own)?;
        let effect = self.begin("unlink", base.node.below(&path));
        conclude(effect, base.change(move |dir, account| change::remove_file(dir, &path, account)).await)
    }

    async fn symlink_at(&mut self, own: Resource<Descriptor>, leads_to: String, path: String) -> FsResult<()> {
        let base = self.base(&own)?;
        let effect = self.begin("symlink", base.node.below(&path));
        let made = base.change(move |dir, account| change::make_symlink(dir, &leads_to, &path, account));
        conclude(effect, made.await)
    }

    async fn link_at(
        &mut self,
        own: Resource<Descriptor>,
        follow: PathFlags,
        path: String,
        other: Resource<Descriptor>,
        new: String,
    ) -> FsResult<()> {
        let (base, to) = (self.base(&own)?, self.base(&other)?);
        let effect = self.begin("link", format!("{} -> {}", base.node.below(&path), to.node.below(&new)));
        if follow.contains(PathFlags::SYMLINK_FOLLOW) {
            return conclude(effect, Err(ErrorCode::Invalid.into()));
        }
        let link = base.change_both(&to, move |from, to, account| change::link((from, &path), (to, &new), account));
        conclude(effect, link.await)
    }

    async fn rename_at(
        &mut self,
        own: Resource<Descriptor>,
        path: String,
        other: Resource<Descriptor>,
        new: String,
    ) -> FsResult<()> {
        let (base, to) = (self.base(&own)?, self.base(&other)?);
        let effect = self.begin("rename", format!("{} -> {}", base.node.below(&path), to.node.below(&new)));
        let rename = base.change_both(&to, move |from, to, account| change::rename((from, &path), (to, &new), account));
        conclude(effect, rename.await)
    }
}
