package org.retention4j.model;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.retention4j.args.Args;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.PendingFile;

/** Snapshots in files, which appear whole or not at all. */
final class SnapshotFiles {
  private SnapshotFiles() {}

  /** Writes to a channel. */
  interface Writing {
    void to(WritableByteChannel channel) throws IOException;
  }

  /** Reads from a channel of a length. */
  interface Reading<T> {
    T from(ReadableByteChannel channel, long length) throws IOException;
  }

  /**
   * Writes a file, in the place of one that is there.
   *
   * @throws IOException if it cannot be written; its cause is the system's own failure, if any
   */
  static void write(Path path, SaveOptions options, Writing writing) throws IOException {
    Args.present("options", options);
    try (PendingFile file =
        options.ownerOnly() ? PendingFile.ownerOnly(path) : PendingFile.of(path, true)) {
      writing.to(new Channel(file));
      file.finish();
    } catch (CheckpointException e) {
      throw new IOException(e.getMessage(), e.getCause() instanceof IOException io ? io : e);
    }
  }

  static <T> T read(Path path, Reading<T> reading) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      return reading.from(channel, channel.size());
    }
  }

  /** A file as a channel that is written from its beginning on. */
  private static final class Channel implements WritableByteChannel {
    private final PendingFile file;
    private long at;

    Channel(PendingFile file) {
      this.file = file;
    }

    @Override
    public int write(ByteBuffer from) {
      int length = from.remaining();
      file.write(at, from);
      at += length;
      return length;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }
}
