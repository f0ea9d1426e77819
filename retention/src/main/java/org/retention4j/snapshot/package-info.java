/**
 * States as bytes: one format for all that sequences leave behind, with every size checked before
 * memory is taken for it, a checksum for each block and a digest at the end. Knows no model; what
 * is in a section is for those who write and read it to say.
 *
 * <p>The format, version 1 (all numbers little-endian; lengths in bytes):
 *
 * <pre>
 *   8      "R4JSNAP" and a line feed
 *   2, 2   major version 1, minor version 0
 *   4      length n of the header
 *   8      length of the whole
 *   n      header, see {@link org.retention4j.snapshot.SnapshotHeader}
 *   4      CRC-32C of all before
 *   ...    sections in the header's order, each in blocks of 262,144, the last one shorter,
 *          each block followed by its CRC-32C
 *   32     SHA-256 of the header, from the first byte to its checksum, and of the blocks' checksums
 * </pre>
 *
 * <p>Another major version is refused. A higher minor version may put more at the header's end,
 * which readers skip, and add sections: those that are not marked as needed are skipped, others
 * refused by name.
 *
 * <p>For users.
 */
package org.retention4j.snapshot;
