// The part of ggml's interface between its core and its devices that is not in its public headers (version 2 of it).
//
// Only the order and the types of the members matter; what is not used here has no name. `pyagent.engine.llama.kernels`
// tries a build in a child process before anything relies on it.

#pragma once

#include "ggml-backend.h"

extern "C" {

#define GGML_BACKEND_API_VERSION 2

struct ggml_backend_buffer_type_i {
    const char * (*name)(ggml_backend_buffer_type_t);
    ggml_backend_buffer_t (*allocate)(ggml_backend_buffer_type_t, size_t size);
    size_t (*alignment)(ggml_backend_buffer_type_t);
    size_t (*max_size)(ggml_backend_buffer_type_t);
    size_t (*size_of)(ggml_backend_buffer_type_t, const struct ggml_tensor *);
    bool (*is_host)(ggml_backend_buffer_type_t);
};

struct ggml_backend_buffer_type {
    struct ggml_backend_buffer_type_i iface;
    ggml_backend_dev_t device;
    void * context;
};

struct ggml_backend_buffer_i {
    void (*free)(ggml_backend_buffer_t);
    void * (*base)(ggml_backend_buffer_t);
    enum ggml_status (*init)(ggml_backend_buffer_t, struct ggml_tensor *);
    void (*fill)(ggml_backend_buffer_t, struct ggml_tensor *, uint8_t value, size_t offset, size_t size);
    void (*put)(ggml_backend_buffer_t, struct ggml_tensor *, const void * data, size_t offset, size_t size);
    void (*get)(ggml_backend_buffer_t, const struct ggml_tensor *, void * data, size_t offset, size_t size);
    void (*put_2d)(void);
    void (*get_2d)(void);
    bool (*copy)(ggml_backend_buffer_t, const struct ggml_tensor * from, struct ggml_tensor * to);
    void (*clear)(ggml_backend_buffer_t, uint8_t value);
    void (*reset)(ggml_backend_buffer_t);
};

struct ggml_backend_buffer {
    struct ggml_backend_buffer_i iface;
    ggml_backend_buffer_type_t type;
    void * context;
    size_t size;
    enum ggml_backend_buffer_usage usage;
};

GGML_API ggml_backend_buffer_t ggml_backend_buffer_init(
    ggml_backend_buffer_type_t type, struct ggml_backend_buffer_i iface, void * context, size_t size);

struct ggml_backend_i {
    const char * (*name)(ggml_backend_t);
    void (*free)(ggml_backend_t);
    void (*asynchronous[5])(void);
    void (*synchronize)(ggml_backend_t);
    void (*plans[4])(void);
    enum ggml_status (*compute)(ggml_backend_t, struct ggml_cgraph *);
    void (*events[2])(void);
    void (*optimize)(void);
};

struct ggml_backend {
    ggml_guid_t guid;
    struct ggml_backend_i iface;
    ggml_backend_dev_t device;
    void * context;
};

struct ggml_backend_device_i {
    const char * (*name)(ggml_backend_dev_t);
    const char * (*description)(ggml_backend_dev_t);
    void (*memory)(ggml_backend_dev_t, size_t * free, size_t * total);
    enum ggml_backend_dev_type (*type)(ggml_backend_dev_t);
    void (*properties)(ggml_backend_dev_t, struct ggml_backend_dev_props *);
    ggml_backend_t (*start)(ggml_backend_dev_t, const char * parameters);
    ggml_backend_buffer_type_t (*buffer_type)(ggml_backend_dev_t);
    ggml_backend_buffer_type_t (*host_buffer_type)(ggml_backend_dev_t);
    ggml_backend_buffer_t (*buffer_of)(ggml_backend_dev_t, void * memory, size_t size, size_t largest);
    bool (*supports)(ggml_backend_dev_t, const struct ggml_tensor * op);
    bool (*supports_type)(ggml_backend_dev_t, ggml_backend_buffer_type_t);
    bool (*wants)(ggml_backend_dev_t, const struct ggml_tensor * op);
    void (*events[3])(void);
};

struct ggml_backend_device {
    struct ggml_backend_device_i iface;
    ggml_backend_reg_t registry;
    void * context;
};

struct ggml_backend_reg_i {
    const char * (*name)(ggml_backend_reg_t);
    size_t (*count)(ggml_backend_reg_t);
    ggml_backend_dev_t (*device)(ggml_backend_reg_t, size_t index);
    void * (*address)(ggml_backend_reg_t, const char * name);
};

struct ggml_backend_reg {
    int version;
    struct ggml_backend_reg_i iface;
    void * context;
};
}
