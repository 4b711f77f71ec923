import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.LocalDateTime;
import java.util.List;
import java.util.TreeMap;
import java.util.jar.Attributes;
import java.util.jar.Manifest;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Packs classes into a jar whose bytes depend on nothing but them and their sources: entries in the
 * order of their names, all of one moment, not compressed, for versions of zlib differ in what they
 * make. The manifest holds a checksum of the sources, by which a test knows that the jar is theirs.
 *
 * <p>{@code java Pack.java SOURCES CLASSES JAR}; {@code build} beside this file calls it.
 */
public final class Pack {
    /** On a clock on the wall, as a zip holds it, so that no time zone changes a byte. */
    private static final LocalDateTime MOMENT = LocalDateTime.of(1980, 2, 1, 0, 0);

    private Pack() {}

    public static void main(String[] arguments) throws Exception {
        Path sources = Path.of(arguments[0]);
        Path classes = Path.of(arguments[1]);
        Path jar = Path.of(arguments[2]);
        Manifest manifest = new Manifest();
        Attributes words = manifest.getMainAttributes();
        words.put(Attributes.Name.MANIFEST_VERSION, "1.0");
        words.put(Attributes.Name.MAIN_CLASS, "flinklab.exactly.Exactly");
        words.putValue("Sources-SHA-256", checksum(sources));
        ByteArrayOutputStream written = new ByteArrayOutputStream();
        manifest.write(written);
        TreeMap<String, byte[]> entries = new TreeMap<>();
        for (Path file : files(classes)) {
            entries.put(name(classes, file), Files.readAllBytes(file));
        }
        try (OutputStream out = Files.newOutputStream(jar);
                ZipOutputStream zip = new ZipOutputStream(out)) {
            // The manifest comes first, whatever the names of the others are.
            add(zip, "META-INF/MANIFEST.MF", written.toByteArray());
            for (var entry : entries.entrySet()) {
                add(zip, entry.getKey(), entry.getValue());
            }
        }
    }

    private static void add(ZipOutputStream zip, String name, byte[] bytes) throws IOException {
        CRC32 sum = new CRC32();
        sum.update(bytes);
        ZipEntry entry = new ZipEntry(name);
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(bytes.length);
        entry.setCrc(sum.getValue());
        entry.setTimeLocal(MOMENT);
        zip.putNextEntry(entry);
        zip.write(bytes);
        zip.closeEntry();
    }

    /** SHA-256 over name, a zero, text and a zero of every source, in the order of their names. */
    private static String checksum(Path sources) throws IOException, NoSuchAlgorithmException {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        for (Path file : files(sources)) {
            digest.update(name(sources, file).getBytes(StandardCharsets.UTF_8));
            digest.update((byte) 0);
            digest.update(Files.readAllBytes(file));
            digest.update((byte) 0);
        }
        StringBuilder hex = new StringBuilder();
        for (byte one : digest.digest()) {
            hex.append(String.format("%02x", one));
        }
        return hex.toString();
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(Files::isRegularFile)
                    .sorted((a, b) -> name(folder, a).compareTo(name(folder, b)))
                    .collect(Collectors.toList());
        }
    }

    private static String name(Path folder, Path file) {
        return folder.relativize(file).toString().replace('\\', '/');
    }
}
