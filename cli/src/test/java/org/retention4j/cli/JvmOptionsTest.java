package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.cli.jvm.JvmOptions;

/** Which options of a virtual machine are for one only, and which are about the heap. */
class JvmOptionsTest {
  private static JvmOptions options(String... words) {
    return new JvmOptions(List.of(words), List.of(words));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "-agentlib:jdwp=transport=dt_socket,server=y",
        "-agentpath:/opt/profiler.so=start",
        "-javaagent:agent.jar",
        "-Xrunjdwp:transport=dt_socket",
        "-Dcom.sun.management.jmxremote",
        "-Dcom.sun.management.jmxremote.port=9010",
        "-Dcom.sun.management.config.file=x",
        "-XX:+ManagementServer",
        "-Xlog",
        "-Xlog:gc",
        "-Xlog:gc*:file=gc.log",
        "-Xloggc:gc.log",
        "-verbose",
        "-verbose:gc",
        "-XX:StartFlightRecording",
        "-XX:StartFlightRecording:filename=x.jfr",
        "-XX:FlightRecorderOptions=stackdepth=9",
        "-XX:+FlightRecorder",
        "-XX:HeapDumpPath=dump.hprof",
        "-XX:+HeapDumpOnOutOfMemoryError",
        "-XX:ErrorFile=error.log",
        "-XX:LogFile=vm.log",
        "-XX:+LogCompilation",
        "-XX:+PrintFlagsFinal",
        "-XX:+PrintNMTStatistics",
        "-XX:PerfDataSaveFile=perf",
        "-XX:ArchiveClassesAtExit=x.jsa",
        "-XX:+AutoCreateSharedArchive",
        "-XX:DumpLoadedClassList=list",
        "-XX:AOTMode=record",
        "-XX:AOTCacheOutput=x.aot",
        "-showversion",
        "--show-version",
        "-XshowSettings:vm"
      })
  void areForOne(String option) {
    assertThat(options("-Da=b", option).ofOne()).contains(option);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "-Da=b",
        "-Dlog.file=x",
        "-Xmx1g",
        "-XX:+UseParallelGC",
        "-XX:-OmitStackTraceInFastThrow",
        "-XX:+UseTransparentHugePages",
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:SharedArchiveFile=x.jsa",
        "-XX:NativeMemoryTracking=summary",
        "-Xdebug",
        "-Xint",
        "--enable-native-access=ALL-UNNAMED"
      })
  void areForBoth(String option) {
    assertThat(options(option).ofOne()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "-Da=b,false",
    "-XX:+UseParallelGC,false",
    "-Xmixed,false",
    "-Xms1g,true",
    "-Xmx1g,true",
    "-Xmn1g,true",
    "-XX:MaxHeapSize=1g,true",
    "-XX:MinHeapSize=1g,true",
    "-XX:InitialHeapSize=1g,true",
    "-XX:MaxRAMPercentage=80,true",
    "-XX:MinRAMPercentage=80,true",
    "-XX:InitialRAMPercentage=80,true",
    "-XX:NewSize=1g,true",
    "-XX:NewRatio=2,true",
    "-XX:MaxNewSize=1g,true",
    "-XX:G1HeapRegionSize=8m,true",
    "-XX:InitiatingHeapOccupancyPercent=45,true"
  })
  void layOutTheHeap(String option, boolean theHeap) {
    assertThat(options("-Da=b", option).layOutTheHeap()).isEqualTo(theHeap);
  }

  @Test
  void areLookedForBeyondTheCommandLine() {
    assertThat(JvmOptions.more(List.of("-Da=b"), Map.of("PATH", "x"))).isFalse();
    assertThat(JvmOptions.more(List.of(), Map.of("JAVA_TOOL_OPTIONS", " "))).isFalse();
    for (String variable : List.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS")) {
      assertThat(JvmOptions.more(List.of(), Map.of(variable, "-Da=b"))).isTrue();
    }
    for (String file : List.of("@options", "-XX:Flags=x", "-XX:VMOptionsFile=x")) {
      assertThat(JvmOptions.more(List.of(file), Map.of())).isTrue();
    }
  }
}
