//! What an emulator remembers: tables in memory, written through to one SQLite file when there is
//! one.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rusqlite::Connection;

/// Only the user who runs the service may read what it keeps: secrets are kept in clear.
const PRIVATE: u32 = 0o600;

/// Where an emulator keeps its state.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Storage {
    /// In memory: gone when the process ends.
    Memory,
    /// In this SQLite file, made with mode 0600 when it is missing. One file belongs to one
    /// emulator of one process: a second opener is refused.
    File(PathBuf),
}

/// State could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file could not be made, or made private.
    #[error("cannot use {path}")]
    File {
        /// The file in question.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// SQLite refused; `database is locked` means that another process has the file open.
    #[error("the emulator's data file failed")]
    Sqlite(#[from] rusqlite::Error),
    /// The file holds something that this version cannot read.
    #[error("unreadable record {key:?} in {table}")]
    Record {
        /// The table it is in.
        table: &'static str,
        /// Its key.
        key: String,
    },
}

/// The file behind an emulator's tables, or none.
#[derive(Clone)]
pub(super) struct Journal(Option<Arc<Mutex<Connection>>>);

impl Journal {
    /// Opens the storage.
    pub(super) fn open(storage: &Storage) -> Result<Self, JournalError> {
        match storage {
            Storage::Memory => Ok(Self(None)),
            Storage::File(path) => {
                make_private(path)?;
                let connection = Connection::open(path)?;
                // Time for a predecessor to finish, not for one that goes on running.
                connection.busy_timeout(Duration::from_millis(500))?;
                // The tables are read once, at start: a second writer would make them lie. The
                // exclusive lock goes with the process, however it ends.
                connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
                connection.pragma_update(None, "journal_mode", "WAL")?;
                // A write has reached the operating system before it is answered, so a killed
                // process loses nothing. A power cut may, and may on a laptop.
                connection.pragma_update(None, "synchronous", "NORMAL")?;
                connection.execute_batch(
                    "CREATE TABLE IF NOT EXISTS records (
                        collection TEXT NOT NULL,
                        key TEXT NOT NULL,
                        value BLOB NOT NULL,
                        PRIMARY KEY (collection, key)
                    ) WITHOUT ROWID",
                )?;
                Ok(Self(Some(Arc::new(Mutex::new(connection)))))
            }
        }
    }

    /// What `request` puts and removes is kept whole or, when the process is killed meanwhile, not at all.
    pub(super) fn whole<T>(&self, request: impl FnOnce() -> T) -> Result<T, JournalError> {
        // One that panicked has left its own open: the file forgets it, memory only with the process.
        self.with(|connection| match connection.is_autocommit() {
            true => connection.execute_batch("BEGIN"),
            false => connection.execute_batch("ROLLBACK; BEGIN"),
        })?;
        let answer = request();
        self.with(|connection| connection.execute_batch("COMMIT"))?;
        Ok(answer)
    }

    fn with<T>(&self, run: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<Option<T>, JournalError> {
        let Some(connection) = &self.0 else { return Ok(None) };
        let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Some(run(&connection)?))
    }
}

fn make_private(path: &Path) -> Result<(), JournalError> {
    let file = |source| JournalError::File { path: path.to_owned(), source };
    // The mode is set at creation, before there is anything to read, and again for a file from
    // elsewhere; SQLite gives its companion files the mode of the first.
    OpenOptions::new().create(true).append(true).mode(PRIVATE).open(path).map_err(file)?;
    fs::set_permissions(path, fs::Permissions::from_mode(PRIVATE)).map_err(file)
}

/// Something that can be kept.
pub(super) trait Record: Sized {
    /// The bytes to keep.
    fn to_bytes(&self) -> Vec<u8>;
    /// The record that `to_bytes` gave these for, or `None` if they mean nothing.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

/// Records of one kind by their key, in the order of the keys.
pub(super) struct Table<T> {
    name: &'static str,
    rows: BTreeMap<String, T>,
    journal: Journal,
}

impl<T: Record> Table<T> {
    /// Opens the table of that name with the records that the journal has for it.
    pub(super) fn open(journal: &Journal, name: &'static str) -> Result<Self, JournalError> {
        let stored = journal.with(|connection| {
            connection
                .prepare("SELECT key, value FROM records WHERE collection = ?1")?
                .query_map([name], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?)))?
                .collect::<rusqlite::Result<Vec<_>>>()
        })?;
        let rows = stored
            .unwrap_or_default()
            .into_iter()
            .map(|(key, bytes)| match T::from_bytes(&bytes) {
                Some(record) => Ok((key, record)),
                None => Err(JournalError::Record { table: name, key }),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { name, rows, journal: journal.clone() })
    }

    /// The record of that key.
    pub(super) fn get(&self, key: &str) -> Option<&T> {
        self.rows.get(key)
    }

    /// Every record, in the order of the keys.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (&String, &T)> {
        self.rows.iter()
    }

    /// Keeps a record in place of the one with that key, on file first.
    pub(super) fn put(&mut self, key: &str, record: T) -> Result<(), JournalError> {
        self.journal.with(|connection| {
            connection.prepare_cached("INSERT OR REPLACE INTO records VALUES (?1, ?2, ?3)")?.execute((
                self.name,
                key,
                record.to_bytes(),
            ))
        })?;
        self.rows.insert(key.to_owned(), record);
        Ok(())
    }

    /// Forgets a record, on file first; `None` when there was none.
    pub(super) fn remove(&mut self, key: &str) -> Result<Option<T>, JournalError> {
        self.journal.with(|connection| {
            connection
                .prepare_cached("DELETE FROM records WHERE collection = ?1 AND key = ?2")?
                .execute((self.name, key))
        })?;
        Ok(self.rows.remove(key))
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn a_request_is_kept_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::File(folder.path().join("kept.sqlite"));
        let open = || {
            let journal = Journal::open(&storage).unwrap();
            let table: Table<String> = Table::open(&journal, "letter").unwrap();
            (journal, table)
        };
        let put = |table: &mut Table<String>, key: &str| table.put(key, key.to_owned()).unwrap();
        let (journal, mut table) = open();
        journal.whole(|| ["a", "b"].map(|key| put(&mut table, key))).unwrap();
        let killed = catch_unwind(AssertUnwindSafe(|| {
            journal.whole(|| {
                table.remove("a").unwrap();
                put(&mut table, "c");
                panic!("killed")
            })
        }));
        assert!(killed.is_err());
        journal.whole(|| put(&mut table, "d")).unwrap();
        drop((journal, table));
        assert_eq!(open().1.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["a", "b", "d"]);
    }
}
