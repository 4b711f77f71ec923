import java.io.File;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;

/**
 * Writes options.tsv: every ConfigOption that the published jars of Flink declare, and in which
 * versions. Runs on folders named as Flink's versions, with the jars of each; see make.
 */
final class Options {
    private static final String OPTION = "org.apache.flink.configuration.ConfigOption";
    private static final byte[] MARK =
            "Lorg/apache/flink/configuration/ConfigOption;".getBytes(StandardCharsets.US_ASCII);

    /** What a version says of a key: its type, and the option that it is another name of. */
    private record Said(String type, String renamed) {}

    public static void main(String[] arguments) throws Exception {
        List<String> versions = new ArrayList<>();
        Map<String, Map<String, Said>> all = new TreeMap<>();
        for (String folder : Arrays.copyOfRange(arguments, 1, arguments.length)) {
            String version = Path.of(folder).getFileName().toString().replaceAll("\\.\\d+$", "");
            versions.add(version);
            read(folder).forEach(
                    (key, said) ->
                            all.computeIfAbsent(key, k -> new LinkedHashMap<>()).put(version, said));
        }
        StringBuilder table = new StringBuilder(
                "# Written by make: key, first and last version, type, the option that it is another name of.\n");
        for (String folder : Arrays.copyOfRange(arguments, 1, arguments.length)) {
            borrowed(table, new File(folder));
        }
        all.forEach((key, by) -> lines(table, key, by, versions));
        Files.writeString(Path.of(arguments[0]), table);
    }

    /** Says which jars of a folder are of another version, because its own cannot be had. */
    private static void borrowed(StringBuilder table, File folder) {
        String version = folder.getName();
        String[] names = folder.list((dir, name) -> name.matches("flink-.*-[12]\\.\\d+\\.\\d+\\.jar"));
        Arrays.sort(names);
        for (String name : names) {
            if (!name.endsWith("-" + version + ".jar")) {
                table.append("# ").append(version).append(": ").append(name).append('\n');
            }
        }
    }

    /** A line for each run of versions that say the same. */
    private static void lines(
            StringBuilder table, String key, Map<String, Said> by, List<String> versions) {
        for (int from = 0; from < versions.size(); from++) {
            Said said = by.get(versions.get(from));
            if (said == null) {
                continue;
            }
            int to = from;
            while (to + 1 < versions.size() && said.equals(by.get(versions.get(to + 1)))) {
                to++;
            }
            table.append(key).append('\t').append(versions.get(from)).append('\t');
            table.append(versions.get(to)).append('\t').append(said.type());
            table.append(said.renamed().isEmpty() ? "" : "\t" + said.renamed()).append('\n');
            from = to;
        }
    }

    /** The options of one version by their keys. */
    private static Map<String, Said> read(String folder) throws Exception {
        List<URL> urls = new ArrayList<>();
        List<String> classes = new ArrayList<>();
        File[] jars = new File(folder).listFiles((dir, name) -> name.endsWith(".jar"));
        Arrays.sort(jars);
        for (File jar : jars) {
            urls.add(jar.toURI().toURL());
            if (jar.getName().startsWith("flink-") && !jar.getName().startsWith("flink-shaded")) {
                classes.addAll(declaring(jar));
            }
        }
        Map<String, Said> own = new TreeMap<>();
        Map<String, Said> others = new TreeMap<>();
        try (URLClassLoader loader =
                new URLClassLoader(urls.toArray(new URL[0]), ClassLoader.getPlatformClassLoader())) {
            for (String name : classes) {
                try {
                    declared(Class.forName(name, false, loader), own, others);
                } catch (NoClassDefFoundError missing) {
                    System.err.println(folder + " " + name + ": " + missing.getMessage());
                }
            }
        }
        others.forEach(own::putIfAbsent);
        return own;
    }

    /** Classes of a jar in which the type of an option stands. */
    private static List<String> declaring(File file) throws IOException {
        List<String> names = new ArrayList<>();
        try (JarFile jar = new JarFile(file)) {
            for (JarEntry entry : Collections.list(jar.entries())) {
                String name = entry.getName();
                if (name.endsWith(".class") && !name.startsWith("META-INF")
                        && contains(jar.getInputStream(entry).readAllBytes())) {
                    names.add(name.substring(0, name.length() - 6).replace('/', '.'));
                }
            }
        }
        Collections.sort(names);
        return names;
    }

    private static boolean contains(byte[] bytes) {
        for (int at = 0; at + MARK.length <= bytes.length; at++) {
            if (Arrays.equals(bytes, at, at + MARK.length, MARK, 0, MARK.length)) {
                return true;
            }
        }
        return false;
    }

    private static void declared(Class<?> type, Map<String, Said> own, Map<String, Said> others)
            throws Exception {
        for (Field field : type.getDeclaredFields()) {
            if (!Modifier.isStatic(field.getModifiers())
                    || !field.getType().getName().equals(OPTION)) {
                continue;
            }
            field.setAccessible(true);
            Object option = field.get(null);
            if (option == null) {
                continue;
            }
            String key = prefix(field) + call(option, "key");
            if (!isSet(key, type)) {
                continue;
            }
            String shape = shape(option);
            Said before = own.put(key, new Said(shape, ""));
            if (before != null && shape.equals("string")) {
                own.put(key, before); // the same option, read as a text in another place
            }
            for (Object other : (Iterable<?>) call(option, "fallbackKeys")) {
                others.put(prefix(field) + call(other, "getKey"), new Said(shape, key));
            }
        }
    }

    /** Whether a configuration may hold it: not what a connector or a job's graph calls its own. */
    private static boolean isSet(String key, Class<?> type) {
        return !key.startsWith("$")
                && (key.contains(".") || type.getPackageName().endsWith("flink.configuration"));
    }

    /** What stands before the key of an option that a name comes in front of. */
    private static String prefix(Field field) throws Exception {
        for (var annotation : field.getAnnotations()) {
            if (annotation.annotationType().getSimpleName().equals("SuffixOption")) {
                Method value = annotation.annotationType().getMethod("value");
                return value.invoke(annotation) + ".";
            }
        }
        return "";
    }

    private static String shape(Object option) throws Exception {
        Class<?> type = (Class<?>) call(option, "getClazz");
        String name;
        if (type.isEnum()) {
            TreeSet<String> words = new TreeSet<>();
            for (Object constant : type.getEnumConstants()) {
                words.add(constant.toString());
            }
            name = "enum:" + String.join("|", words);
        } else {
            name = type.getSimpleName().toLowerCase();
        }
        return (boolean) call(option, "isList") ? "list of " + name : name;
    }

    private static Object call(Object on, String method) throws Exception {
        Method found = on.getClass().getDeclaredMethod(method);
        found.setAccessible(true);
        return found.invoke(on);
    }
}
