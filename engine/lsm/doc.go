// Package lsm is the engine for data larger than memory: a log-structured merge
// tree, cockroachdb's Pebble.
//
// It owns how entries lie in Pebble's key space (key.go), the pools that wait for
// the disk in place of connection loops (pool.go), when bytes of the write-ahead
// log reach the system and the disk (flusher.go, disk.go), what a failing disk
// means (health.go), and the count of entries of each slot (counts.go). It must
// not know what a value or a [engine.Meta] means, nor how a name leads to its slot.
//
// # What is durable when
//
// Pebble keeps what is committed without a sync in blocks of 32 KiB in the
// process, and writes a block out when it is full: a kill -9 would lose what is
// in the last one, whose age nothing bounds (measured with writes of 64 bytes: 12
// to 326 of them; all, if there were fewer). So the engine syncs after every
// group of commits, and a wrapper around the log's file (disk.go) decides what a
// sync is. Pebble has given all bytes to write(2) before it asks for one; with
// fsync "always" it is passed on, otherwise it does nothing, and with "everysec"
// a goroutine does the real one once a second. A [engine.Position] is reached
// when that is done. Hence, of what Await has reported:
//
//	           kill -9          power loss
//	always     nothing is lost  nothing is lost
//	everysec   nothing is lost  about the last second
//	no         nothing is lost  what the system had not written
//
// A write whose transaction or Await ended in an error may have been carried out
// or not.
//
// # Writes
//
// One goroutine carries out all transactions that may change something, in the
// order in which they were started; those that wait together share their reads and
// their commit (writer.go). Started reads and scans run in no particular order.
//
// # A full disk
//
// Pebble ends the process where it cannot begin a log, write its list of tables
// (MANIFEST) or commit. The engine keeps a full disk from having that effect:
//
//   - Writes are refused (engine.ErrDiskFull) while less is left than two memtables
//     take (on a small disk: than a twentieth of it). What the engine writes between
//     two looks, a second apart, counts against what the last one found.
//   - Where there is no room all the same (others fill the disk, too), bytes of
//     the log, and a log that is to be begun, are held in memory, the list of
//     tables waits, and Pebble tries tables again. Nothing of that has been
//     acknowledged. Reads go on, but for those of keys that a call is in the
//     middle of writing; with room again, so do writes.
//   - A stop does not wait for room. If the list of tables is what waits, it ends
//     with a fatal line and status 1, as a kill would, and loses nothing.
//
// Still fatal, with a line that names the file and the error: an error other than
// a full disk in the list of tables or when a directory is synced, and a full
// disk that only fsync reports.
//
// # Invariants
//
//   - Transactions hold the locks of their slots from their reads to their commit;
//     the slots of a round of writes, and of a read, are locked in ascending order.
//     No other lock is held while Pebble is called.
//   - A position is given only to what is in Pebble's log already, so that one
//     sync that begins later covers it.
//   - Pebble never sees an error of its log: the wrapper keeps or drops the bytes
//     and the engine refuses to call anything durable or to write on.
//   - The counts in memory equal what is in Pebble: they change under the lock of
//     the slot, and are read from disk only if the last stop was clean.
package lsm
