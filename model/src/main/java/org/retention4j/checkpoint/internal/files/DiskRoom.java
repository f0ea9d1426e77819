package org.retention4j.checkpoint.internal.files;

import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.retention4j.checkpoint.format.CheckpointException;

/**
 * Whether a checkpoint fits on a disk, asked before gigabytes are written.
 *
 * @since 0.1
 */
public final class DiskRoom {
  private static final double GB = 1e9;

  private DiskRoom() {}

  /**
   * Refuses what does not fit.
   *
   * @param folder may not be there yet
   * @throws CheckpointException if the folder's disk has no room for so many bytes
   */
  public static void require(Path folder, double bytes) {
    Path there = folder.toAbsolutePath();
    while (there != null && !Files.exists(there)) {
      there = there.getParent();
    }
    long room;
    try {
      FileStore disk = there == null ? null : Files.getFileStore(there);
      if (disk == null || disk.getTotalSpace() == 0) {
        return; // No disk at all, /proc for instance: writing will tell.
      }
      room = disk.getUsableSpace();
    } catch (IOException | SecurityException e) {
      return; // Writing will tell.
    }
    if (bytes > room) {
      throw new CheckpointException(
          String.format(
              Locale.ROOT,
              "expected room for %.3g GB on the disk of %s, got %.3g GB",
              bytes / GB,
              folder,
              room / GB));
    }
  }
}
