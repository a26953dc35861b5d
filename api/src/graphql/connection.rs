//! Relay connections. [`connection!`](crate::connection) names the types of one list; the shape is the same for all.

/// Declares the connection and edge types of a node type.
#[macro_export]
macro_rules! connection {
    ($(#[$meta:meta])* $connection:ident, $edge:ident of $node:ty) => {
        $(#[$meta])*
        #[derive(async_graphql::SimpleObject)]
        #[graphql(complex)]
        pub struct $connection {
            /// The items of this page, each with its cursor.
            pub edges: Vec<$edge>,
            /// Where this page lies in the list.
            pub page_info: async_graphql::connection::PageInfo,
            /// Items of the whole list. Counted only when asked for.
            pub total_count: Option<i32>,
        }

        #[async_graphql::ComplexObject]
        impl $connection {
            /// The items of this page without their cursors.
            async fn nodes(&self) -> Vec<$node> {
                self.edges.iter().map(|edge| edge.node.clone()).collect()
            }
        }

        #[doc = concat!("One item of a `", stringify!($connection), "`.")]
        #[derive(async_graphql::SimpleObject, Clone)]
        pub struct $edge {
            /// Where the item lies in its list; give it to `after` or `before`. Opaque.
            pub cursor: String,
            /// The item.
            pub node: $node,
        }

        impl<T: Into<$node>> From<$crate::page::Slice<T>> for $connection {
            fn from(slice: $crate::page::Slice<T>) -> Self {
                let edges: Vec<$edge> = slice
                    .items
                    .into_iter()
                    .map(|(cursor, node)| $edge { cursor, node: node.into() })
                    .collect();
                Self {
                    page_info: async_graphql::connection::PageInfo {
                        has_previous_page: slice.has_previous_page,
                        has_next_page: slice.has_next_page,
                        start_cursor: edges.first().map(|edge| edge.cursor.clone()),
                        end_cursor: edges.last().map(|edge| edge.cursor.clone()),
                    },
                    total_count: slice.total.map(|total| i32::try_from(total).unwrap_or(i32::MAX)),
                    edges,
                }
            }
        }
    };
}
