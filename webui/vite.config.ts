import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

// `npm run dev` shows the sources live against a server that `pyagent serve` started.
const server = "http://127.0.0.1:8421";

/** A packed copy beside every text file, so that the server never compresses the same bytes twice. */
function packed(): Plugin {
  let folder = "";
  return {
    name: "packed",
    apply: "build",
    configResolved: (config) => void (folder = config.build.outDir),
    closeBundle() {
      for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
        if (!/\.(js|css|svg)$/.test(name)) continue;
        const file = join(folder, name);
        writeFileSync(`${file}.gz`, gzipSync(readFileSync(file), { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  base: "./",
  plugins: [react(), packed()],
  // A font inlined as data: would be refused by the page's font-src 'self'.
  build: { target: "es2022", assetsInlineLimit: 0, chunkSizeWarningLimit: 700, reportCompressedSize: false },
  server: { proxy: { "/api": server, "/plugins": server } },
});
