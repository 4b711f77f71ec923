import java.io.File;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Writes readings.tsv anew: what Flink itself makes of the values and files in its first two
 * columns, by version. Runs on the folders that Options runs on.
 */
final class Readings {
    private static final String PACKAGE = "org.apache.flink.configuration.";

    private final ClassLoader loader;

    private Readings(ClassLoader loader) {
        this.loader = loader;
    }

    public static void main(String[] arguments) throws Exception {
        Path file = Path.of(arguments[0]);
        Map<String, Map<String, String>> all = new LinkedHashMap<>();
        List<String> lines = Files.readAllLines(file);
        List<String> versions = new ArrayList<>();
        for (String folder : Arrays.copyOfRange(arguments, 1, arguments.length)) {
            String version = Path.of(folder).getFileName().toString().replaceAll("\\.\\d+$", "");
            versions.add(version);
            List<URL> urls = new ArrayList<>();
            for (File jar : new File(folder).listFiles((dir, name) -> name.endsWith(".jar"))) {
                urls.add(jar.toURI().toURL());
            }
            try (URLClassLoader loader = new URLClassLoader(
                    urls.toArray(new URL[0]), ClassLoader.getPlatformClassLoader())) {
                Readings readings = new Readings(loader);
                for (String line : lines) {
                    String[] parts = line.split("\t", -1);
                    if (line.startsWith("#") || parts.length < 2) {
                        continue;
                    }
                    String made = readings.made(parts[0], unescaped(parts[1]), version);
                    all.computeIfAbsent(parts[0] + "\t" + parts[1], k -> new LinkedHashMap<>())
                            .put(version, made);
                }
            }
        }
        StringBuilder out = new StringBuilder();
        for (String line : lines) {
            if (line.startsWith("#")) {
                out.append(line).append('\n');
            }
        }
        all.forEach((key, by) -> {
            out.append(key);
            for (int from = 0; from < versions.size(); from++) {
                String made = by.get(versions.get(from));
                int to = from;
                while (to + 1 < versions.size() && made.equals(by.get(versions.get(to + 1)))) {
                    to++;
                }
                if (!made.isEmpty()) {
                    out.append('\t').append(versions.get(from)).append("..");
                    out.append(versions.get(to)).append(' ').append(made);
                }
                from = to;
            }
            out.append('\n');
        });
        Files.writeString(file, out);
        System.exit(0);
    }

    private String made(String kind, String text, String version) throws Exception {
        Path folder = Files.createTempDirectory("flink-options");
        try {
            switch (kind) {
                case "config.yaml":
                case "flink-conf.yaml":
                    Files.writeString(folder.resolve(kind), text);
                    return shown(new TreeMap<>(loaded(folder)));
                case "both":
                    Files.writeString(folder.resolve("config.yaml"), "from: config.yaml\n");
                    Files.writeString(folder.resolve("flink-conf.yaml"), "from: flink-conf.yaml\n");
                    return shown(new TreeMap<>(loaded(folder)));
                case "high-availability":
                    return ha(text);
                case "checkpointing":
                    return checkpointing(text);
                default:
                    return String.valueOf(typed(kind, text)).replace("\t", "\\t").replace("\n", "\\n");
            }
        } catch (InvocationTargetException wrapped) {
            Throwable cause = wrapped.getCause();
            while (cause instanceof InvocationTargetException || cause instanceof RuntimeException
                    && cause.getCause() != null && cause.getCause() instanceof RuntimeException) {
                cause = cause.getCause();
            }
            return "! " + cause.getClass().getSimpleName();
        } finally {
            for (File file : folder.toFile().listFiles()) {
                file.delete();
            }
            folder.toFile().delete();
        }
    }

    @SuppressWarnings("unchecked")
    private Map<String, String> loaded(Path folder) throws Exception {
        Class<?> global = loader.loadClass(PACKAGE + "GlobalConfiguration");
        Object loaded = global.getMethod("loadConfiguration", String.class).invoke(null, folder.toString());
        return (Map<String, String>) loaded.getClass().getMethod("toMap").invoke(loaded);
    }

    /** What a value of high-availability means to the processes of a cluster. */
    private String ha(String text) throws Exception {
        Class<?> mode = loader.loadClass("org.apache.flink.runtime.jobmanager.HighAvailabilityMode");
        Object configuration = set("high-availability", text);
        return mode.getMethod("fromConfig", configuration.getClass()).invoke(null, configuration).toString();
    }

    /** What a job takes of an option of its checkpoints, as `key=value`. */
    private String checkpointing(String text) throws Exception {
        Class<?> of = loader.loadClass("org.apache.flink.streaming.api.environment.CheckpointConfig");
        Class<?> readable = loader.loadClass(PACKAGE + "ReadableConfig");
        String[] parts = text.split("=");
        Object config = of.getConstructor().newInstance();
        of.getMethod("configure", readable).invoke(config, set(parts[0], parts[1]));
        for (String getter : new String[] {"getCheckpointInterval", "getCheckpointTimeout",
                "getMinPauseBetweenCheckpoints", "getMaxConcurrentCheckpoints",
                "getTolerableCheckpointFailureNumber", "getAlignedCheckpointTimeout"}) {
            of.getMethod(getter).invoke(config);
        }
        return "taken";
    }

    private Object set(String key, String value) throws Exception {
        Class<?> of = loader.loadClass(PACKAGE + "Configuration");
        Object configuration = of.getConstructor().newInstance();
        of.getMethod("setString", String.class, String.class).invoke(configuration, key, value);
        return configuration;
    }

    private static String shown(Map<String, String> map) {
        StringBuilder text = new StringBuilder();
        map.forEach((key, value) -> text.append(text.isEmpty() ? "" : " | ").append(key).append('=').append(
                value.replace("\n", "\\n").replace("\t", "\\t")));
        return text.toString();
    }

    /** A text as the value of an option of a type. */
    private Object typed(String kind, String text) throws Exception {
        Object builder = loader.loadClass(PACKAGE + "ConfigOptions").getMethod("key", String.class).invoke(null, "k");
        String[] words = kind.split(" ");
        Object type;
        if (words[0].equals("enum")) {
            Class<?> of = loader.loadClass(PACKAGE + "JobManagerOptions$SchedulerType");
            type = call(builder, "enumType", Class.class, of);
        } else {
            type = call(builder, words[0] + "Type", null, null);
        }
        if (words.length > 1) {
            type = call(type, "asList", null, null);
        }
        Object option = call(type, "noDefaultValue", null, null);
        Object configuration = set("k", text);
        Object value = configuration.getClass().getMethod("get", option.getClass()).invoke(configuration, option);
        if (value instanceof Duration) {
            Duration time = (Duration) value;
            return String.format("%d.%09d s", time.getSeconds(), time.getNano());
        }
        if (value != null && value.getClass().getSimpleName().equals("MemorySize")) {
            return value.getClass().getMethod("getBytes").invoke(value);
        }
        return value;
    }

    private static Object call(Object on, String name, Class<?> type, Object argument) throws Exception {
        Method method = type == null
                ? on.getClass().getDeclaredMethod(name)
                : on.getClass().getDeclaredMethod(name, type);
        method.setAccessible(true);
        return type == null ? method.invoke(on) : method.invoke(on, argument);
    }

    private static String unescaped(String text) {
        return text.replace("\\n", "\n").replace("\\t", "\t").replace("\\s", " ")
                .replace("\\r", "\r").replace("\\ufeff", "\ufeff");
    }
}
