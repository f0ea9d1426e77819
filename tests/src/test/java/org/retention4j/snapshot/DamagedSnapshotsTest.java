package org.retention4j.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import com.sun.management.ThreadMXBean;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.HeldMemory;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.RestoreOptions;
import org.retention4j.model.SaveOptions;
import org.retention4j.model.Session;
import org.retention4j.model.SessionOptions;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;

/** Whatever happens to a snapshot's bytes, it is refused by name, and costs no memory. */
class DamagedSnapshotsTest {
  private static final int VOCABULARY = 11;
  private static final int MUTATIONS = 20_000;
  private static final int MEGABYTE = 1 << 20;
  private static final int HEADER_AT = 12;

  @TempDir Path folder;

  private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private Engine engine;
  private LanguageModel model;
  private Session session;
  private byte[] whole;
  private long held;

  @BeforeEach
  void save() throws IOException {
    engine = Engine.create(ElementType.FLOAT32, 1, ComputeRoute.PLAIN);
    LayerConfig retention = new LayerConfig(RetentionMixerConfig.fla(8, 1), 8, Activation.SILU);
    LayerConfig attention =
        new LayerConfig(new AttentionConfig(8, 1, 1, 4, 10_000, 6, false), 8, Activation.SILU);
    DecoderConfig config = DecoderConfig.of(VOCABULARY, 8, List.of(retention, attention));
    model = LanguageModel.random(engine, config, WeightType.FLOAT32, 1);
    session = model.newSession(2, SessionOptions.DEFAULT);
    session.append(new int[][] {{1, 2, 3}, {4}});
    session.step(5, 6);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    SaveOptions options =
        SaveOptions.DEFAULT.withTokens(List.of(new int[] {1, 2, 3, 5}, new int[] {4, 6}));
    session.save(Channels.newChannel(bytes), options);
    whole = bytes.toByteArray();
    held = HeldMemory.liveBytes();
  }

  @AfterEach
  void leavesNothingBehind() {
    assertThat(HeldMemory.liveBytes()).as("bytes left behind").isEqualTo(held);
    session.close();
    model.close();
    engine.close();
  }

  private int header() {
    return ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN).getInt(HEADER_AT);
  }

  private Session restore(byte[] bytes) throws IOException {
    return model.restore(
        Channels.newChannel(new ByteArrayInputStream(bytes)), RestoreOptions.DEFAULT);
  }

  private void assertRefused(byte[] bytes, String what) throws IOException {
    long before = threads.getThreadAllocatedBytes(Thread.currentThread().getId());
    try (Session restored = restore(bytes)) {
      fail("expected a refusal of " + what + ", got position " + restored.position(0));
    } catch (SnapshotException e) {
      assertThat(e.reason()).as(what).isNotNull();
      assertThat(e).as(what).hasMessageStartingWith("expected ");
    }
    long allocated = threads.getThreadAllocatedBytes(Thread.currentThread().getId()) - before;
    assertThat(allocated).as(what).isLessThan(MEGABYTE + 16L * header());
  }

  @Test
  void itselfIsTaken() throws IOException {
    try (Session restored = restore(whole)) {
      assertThat(restored.position(0)).isEqualTo(4);
      assertThat(restored.position(1)).isEqualTo(2);
    }
  }

  @Test
  void everyCutIsRefused() throws IOException {
    Path file = folder.resolve("cut");
    for (int length = 0; length < whole.length; length++) {
      byte[] cut = Arrays.copyOf(whole, length);
      assertRefused(cut, "a cut after " + length);
      if (length % 97 == 0) {
        Files.write(file, cut);
        try (Session restored = model.restore(file, RestoreOptions.DEFAULT)) {
          fail("expected a refusal, got " + restored);
        } catch (SnapshotException e) {
          assertThat(e.reason()).isEqualTo(SnapshotException.Reason.DAMAGED);
        }
      }
    }
  }

  @Test
  void everyFlippedBitIsRefused() throws IOException {
    for (int bit = 0; bit < 8 * whole.length; bit++) {
      byte[] flipped = whole.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      assertRefused(flipped, "bit " + bit % 8 + " of byte " + bit / 8);
    }
  }

  @Test
  void mutationsAreRefused() throws IOException {
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < MUTATIONS; i++) {
      byte[] mutated = mutated(random);
      // What follows its end belongs to whoever reads on.
      if (!Arrays.equals(
          mutated, 0, Math.min(whole.length, mutated.length), whole, 0, whole.length)) {
        assertRefused(mutated, "mutation " + i);
      }
    }
  }

  /** Bytes overwritten, cut out, doubled, moved, set to 0 or 255. */
  private byte[] mutated(SplittableRandom random) {
    byte[] bytes = whole.clone();
    for (int times = random.nextInt(3); times >= 0; times--) {
      int at = random.nextInt(bytes.length);
      int length = Math.min(bytes.length - at, 1 + random.nextInt(random.nextBoolean() ? 8 : 200));
      switch (random.nextInt(6)) {
        case 0 -> Arrays.fill(bytes, at, at + length, (byte) 0);
        case 1 -> Arrays.fill(bytes, at, at + length, (byte) -1);
        case 2 -> {
          for (int i = at; i < at + length; i++) {
            bytes[i] = (byte) random.nextInt();
          }
        }
        case 3 -> System.arraycopy(bytes, at, bytes, random.nextInt(at + 1), length);
        case 4 -> bytes = without(bytes, at, length);
        default -> bytes = twice(bytes, at, length);
      }
      if (bytes.length == 0) {
        return bytes;
      }
    }
    return bytes;
  }

  private static byte[] without(byte[] bytes, int at, int length) {
    byte[] shorter = Arrays.copyOf(bytes, bytes.length - length);
    System.arraycopy(bytes, at + length, shorter, at, shorter.length - at);
    return shorter;
  }

  private static byte[] twice(byte[] bytes, int at, int length) {
    byte[] longer = Arrays.copyOf(bytes, bytes.length + length);
    System.arraycopy(bytes, at, longer, at + length, bytes.length - at);
    return longer;
  }

  /** A file that holds something behind its snapshot is not that snapshot. */
  @Test
  void aLongerFileIsRefused() throws IOException {
    Path file = folder.resolve("longer");
    Files.write(file, Arrays.copyOf(whole, whole.length + 1));
    try (Session restored = model.restore(file, RestoreOptions.DEFAULT)) {
      fail("expected a refusal, got " + restored);
    } catch (SnapshotException e) {
      assertThat(e)
          .hasMessage("expected a snapshot of %d bytes, got %d", whole.length, whole.length + 1);
    }
  }
}
