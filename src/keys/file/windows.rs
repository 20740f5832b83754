//! Key files on Windows: access control lists and sharing modes.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::Path;

use super::acl;

/// Creates a file for its owner alone.
pub(super) fn create_new(path: &Path) -> io::Result<File> {
    // Others may rename it, as must this process, but not open it for reading: what they opened
    // before it was restricted, they could read later.
    const FILE_SHARE_DELETE: u32 = 4;
    let mut options = OpenOptions::new();
    let file = options
        .read(true)
        .write(true)
        .create_new(true)
        .share_mode(FILE_SHARE_DELETE)
        .open(path)?;
    acl::restrict_to_owner(path).inspect_err(|_| {
        // It is empty, and the error is reported.
        let _ = std::fs::remove_file(path);
    })?;
    Ok(file)
}

pub(super) fn open_in_place(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    if path.symlink_metadata()?.is_symlink() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    options.open(path)
}

/// Always returns true: safe Rust cannot tell the owner.
pub(crate) fn is_mine(_: &Metadata) -> bool {
    true
}

pub(super) fn is_open_to_others(path: &Path, _: &Metadata) -> bool {
    acl::is_open_to_groups(path).unwrap_or(true)
}

/// Always returns true: safe Rust cannot tell.
pub(super) fn can_be_restricted(_: &Path, _: &Metadata) -> bool {
    true
}

pub(crate) fn is_in_use(error: &io::Error) -> bool {
    const ERROR_SHARING_VIOLATION: i32 = 32;
    error.raw_os_error() == Some(ERROR_SHARING_VIOLATION)
}

pub(super) fn is_writable_by_everyone(_: &Metadata) -> bool {
    false
}

pub(super) fn is_same(_: &Metadata, _: &Metadata) -> bool {
    true
}

/// Windows keeps the names of a folder in its journal, and does not open folders for syncing.
pub(crate) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
