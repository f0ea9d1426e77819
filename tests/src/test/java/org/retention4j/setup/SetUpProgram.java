package org.retention4j.setup;

import java.io.File;
import java.lang.reflect.InvocationTargetException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ForkJoinPool;

/**
 * A virtual machine in which applications come and go, each in a class loader of its own that only
 * it knows; the program's own class path has none of the library. Arguments: the library's class
 * path, a tokenizer.json, and whose thread is to begin, one application each.
 */
public final class SetUpProgram {
  private SetUpProgram() {}

  /** Prints a line for each: "fine", or what came instead. */
  public static void main(String[] args) throws Exception {
    for (String thread : List.of(args).subList(2, args.length)) {
      ClassLoader loader = new URLClassLoader(urls(args[0]), ClassLoader.getPlatformClassLoader());
      Runnable work = () -> System.out.println(thread + ": " + work(loader, Path.of(args[1])));
      Thread.currentThread().setContextClassLoader(ClassLoader.getPlatformClassLoader());
      switch (thread) {
        case "own loader" -> {
          Thread.currentThread().setContextClassLoader(loader);
          work.run();
        }
        case "other loader" -> work.run();
        case "no loader" -> {
          Thread.currentThread().setContextClassLoader(null);
          work.run();
        }
        case "interrupted" -> {
          Thread.currentThread().interrupt();
          work.run();
          System.out.println(Thread.interrupted() ? "still interrupted" : "no more interrupted");
        }
        case "common pool" -> {
          CountDownLatch done = new CountDownLatch(1);
          ForkJoinPool.commonPool()
              .execute(
                  () -> {
                    work.run();
                    done.countDown();
                  });
          done.await();
        }
        case "twice" -> {
          work.run();
          work.run();
        }
        default -> throw new IllegalArgumentException(thread);
      }
    }
    System.exit(0);
  }

  private static URL[] urls(String classPath) throws MalformedURLException {
    List<URL> urls = new ArrayList<>();
    for (String entry : classPath.split(File.pathSeparator, -1)) {
      urls.add(new File(entry).toURI().toURL());
    }
    return urls.toArray(new URL[0]);
  }

  private static String work(ClassLoader loader, Path tokenizer) {
    try {
      loader
          .loadClass("org.retention4j.setup.SetUpWork")
          .getMethod("run", Path.class)
          .invoke(null, tokenizer);
      return "fine";
    } catch (InvocationTargetException e) {
      return e.getCause().toString();
    } catch (ReflectiveOperationException e) {
      return e.toString();
    }
  }
}
